"""Awkward files: what readers make of them, and how that compares with what they hold."""

from benchmarks.awkward.judging import LOUD, SILENT, judge
from benchmarks.awkward.readers import Outcome, Reader, delimited_readers, our_outcome

__all__ = ["LOUD", "SILENT", "Outcome", "Reader", "delimited_readers", "judge", "our_outcome"]
