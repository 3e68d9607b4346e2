"""Conditions over several columns, where one of the values is missing.

In SQL `NULL > 1` is neither true nor false, so that such a row would count as expected. Great
Expectations says in pandas that it is not, and so it is said here: by its own means of putting a
metric in the place of another, for SQL alone. Importing this module does it.
"""

# mypy: disable-error-code="attr-defined, misc, untyped-decorator"

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from great_expectations.execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.metrics import (
    ColumnPairValuesAGreaterThanB,
    ColumnPairValuesInSet,
    CompoundColumnsUnique,
    MulticolumnSumEqual,
)
from great_expectations.expectations.metrics.map_metric_provider import (
    column_pair_condition_partial,
    multicolumn_condition_partial,
    multicolumn_function_partial,
)


class PairAGreaterThanB(ColumnPairValuesAGreaterThanB):
    """A is greater than B, or they are equal where that is asked for; a missing one is neither."""

    @column_pair_condition_partial(engine=SqlAlchemyExecutionEngine)
    def _sqlalchemy(cls, column_A: Any, column_B: Any, **kwargs: Any) -> Any:
        """Give the condition."""
        holds = column_A >= column_B if kwargs.get("or_equal") else column_A > column_B
        return sa.func.coalesce(holds, sa.false())


class PairInSet(ColumnPairValuesInSet):
    """The pair is one of those that are given, in which a value may be missing."""

    @column_pair_condition_partial(engine=SqlAlchemyExecutionEngine)
    def _sqlalchemy(cls, column_A: Any, column_B: Any, **kwargs: Any) -> Any:
        """Give the condition."""
        pairs = kwargs.get("value_pairs_set")
        if pairs is None:
            return sa.true()
        known = [sa.and_(column_A == one, column_B == other) for one, other in pairs]
        return sa.func.coalesce(sa.or_(sa.false(), *known), sa.false())


class SumEqual(MulticolumnSumEqual):
    """The values add up; where one is missing, they do not."""

    @multicolumn_condition_partial(engine=SqlAlchemyExecutionEngine)
    def _sqlalchemy(cls, column_list: Any, **kwargs: Any) -> Any:
        """Give the condition."""
        return sa.func.coalesce(sum(column_list) == kwargs.get("sum_total"), sa.false())


class UniqueTogether(CompoundColumnsUnique):
    """The values occur together once; rows that miss the same ones are equal in what they have."""

    @multicolumn_function_partial(engine=SqlAlchemyExecutionEngine)
    def _sqlalchemy_function(self, _column_list: Any, **kwargs: Any) -> Any:
        """Give the rows, each with how often its values occur (a join would find no NULL)."""
        names, table = kwargs["_column_names"], kwargs["_table"]
        count = sa.func.count().over(partition_by=[sa.column(name) for name in names])
        columns: list[Any] = [sa.column(name) for name in kwargs["_table_columns"]]
        rows = sa.select(*columns, count.label("_num_rows")).select_from(table)
        return rows.alias("original_table_clause")
