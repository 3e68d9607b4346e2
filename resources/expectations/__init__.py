"""Great Expectations: a suite from a schema, and Data Docs that look right without a network."""

from resources.expectations.docs import DOCS_ROWS, Validated, build_docs
from resources.expectations.suite import Expectation, suite_of

__all__ = ["DOCS_ROWS", "Expectation", "Validated", "build_docs", "suite_of"]
