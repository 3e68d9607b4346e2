"""Verifying: bytes are read again and held against the record, a part at a time, and remembered."""

from assets.engine.findings import Findings
from assets.engine.verifying.run import Verification, recheck, verify_project

__all__ = ["Findings", "Verification", "recheck", "verify_project"]
