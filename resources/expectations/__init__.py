"""Great Expectations: suites from schemas, declarations and files; validation; Data Docs."""

from resources.expectations.suite import (
    Expectation,
    SuiteError,
    check_columns,
    facts_of,
    suite_of,
)

__all__ = ["Expectation", "SuiteError", "check_columns", "facts_of", "suite_of"]
