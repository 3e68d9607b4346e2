"""What is selected from a database: names looked up and quoted, values bound, kinds found out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from resources.errors import SourceError, did_you_mean
from resources.sources.database_backend import Backend
from resources.sources.database_query import one_select
from resources.sources.database_request import Request
from resources.sources.database_since import first_value, remembered
from resources.sources.database_sqlite import comparable
from resources.sources.database_values import MIXED, SINGLE, Kind

if TYPE_CHECKING:
    import pyarrow as pa
    import sqlalchemy as sa


@dataclass(frozen=True, slots=True)
class Shape:
    """What is read: its selectable, its columns, and the kinds of their values."""

    select: Any
    names: tuple[str, ...]
    kinds: tuple[Kind, ...]
    schema: pa.Schema
    going: Going | None = None


@dataclass(frozen=True, slots=True)
class Going:
    """How rows are read on from a cursor's value.

    kind: of its column; at: the value, as cursors keep it. flagged: whether each row ends with a
    sign of whether it has the last value, as the database sees it: texts that are alike to it need
    not be to us. missing: counts the rows without a value that are left out.
    """

    kind: Kind
    at: Any
    flagged: bool
    missing: Any


def shape_of(
    backend: Backend, connection: sa.Connection, request: Request, *, typed: bool
) -> Shape:
    """Find out what a request gives, reading none of it; raises SourceError for what is not there.

    typed: as readers have it.
    """
    import pyarrow as pa
    import sqlalchemy as sa

    source, table, query = _source(backend, connection, request)
    all_of_it = sa.select(sa.text("*")).select_from(source).limit(0)
    names = _chosen(backend.place, request, names_of(backend.place, connection.execute(all_of_it)))
    rows = sa.select(*map(_column, names)).select_from(source)
    cursor, inner = connection.execute(rows.limit(0)).cursor, rows.subquery()
    kinds = backend.kinds(connection, inner, cursor, table, typed=typed)
    going = None
    if request.by:
        exact = kinds if typed else backend.kinds(connection, inner, cursor, table, typed=True)
        kind = exact[names.index(request.by)]
        going = _going(backend, request, source, kind) if request.onward else None
        rows = _from_then_on(backend, request, rows, kind)
        rows = _flagged(request, rows, source) if going is not None and going.flagged else rows
    schema = pa.schema([(name, kind.type) for name, kind in zip(names, kinds, strict=True)])
    return Shape(rows if query is None else query, names, tuple(kinds), schema, going)


def _source(
    backend: Backend, connection: sa.Connection, request: Request
) -> tuple[Any, str, sa.TextClause | None]:
    """Give what to select from, the table's name, and the query as it is, where it is one."""
    import sqlalchemy as sa

    if not request.query:
        name, schema = find_table(backend, connection, request.table)
        quoted = sa.sql.quoted_name(name, quote=True)
        where = sa.sql.quoted_name(schema, quote=True) if schema else None
        return sa.table(quoted, schema=where), name, None
    dialect = backend.speaker.dialect
    written = one_select(backend.place, request.query, dialect)
    asked = sa.text(written).compile(dialect=connection.dialect).params
    _need_parameters(backend.place, asked, request.parameters)
    binds = [
        sa.bindparam(name, value, type_=sa.types.NullType(), expanding=isinstance(value, list))
        for name, value in _bound(request.parameters, dialect).items()
    ]
    inner = sa.text(f"(\n{written}\n) AS dataops_query").bindparams(*binds)
    return inner, "", sa.text(written).bindparams(*binds)


def _chosen(place: str, request: Request, there: tuple[str, ...]) -> tuple[str, ...]:
    """Give the columns to read; raises SourceError for one that is not there."""
    for option, names in (("columns", request.columns), ("by", (request.by,))):
        for name in names:
            if name and name not in there:
                raise SourceError(
                    f"{place}: {option}= names {name!r}, a column that is not in "
                    f"{request.table or 'its table'}{did_you_mean(name, there)}",
                    f"its columns are {', '.join(there)}",
                    source=place,
                    option=option,
                    column=name,
                )
    return request.columns or there


def _going(backend: Backend, request: Request, source: Any, kind: Kind) -> Going:
    """Say how rows are read on; raises SourceError for a column whose order nobody can follow."""
    import pyarrow as pa
    import sqlalchemy as sa

    single = kind.what == SINGLE and backend.speaker.dialect == "mysql"
    if kind.what == MIXED or single:
        raise SourceError(
            f"{backend.place}: by={request.by!r} "
            + (
                "is a FLOAT, which the server shows rounded"
                if single
                else "holds numbers and texts, which have no order in common"
            )
            + ", so that no cursor can stand at its last value",
            "name a column of whole numbers, decimals, times or texts; or cast it in a view",
            source=backend.place,
            option="by",
            column=request.by,
        )
    at = None
    if request.since is not None:
        at = remembered(first_value(backend.place, request.by, kind.type, request.since, None))
    count = sa.select(sa.func.count()).select_from(source).where(_column(request.by).is_(None))
    flagged = pa.types.is_string(kind.type)
    return Going(kind, at, flagged, count if request.onward == "append" else None)


def _flagged(request: Request, rows: Any, source: Any) -> Any:
    """Let each row end with 1 where it has the last value, by the database's own order."""
    import sqlalchemy as sa

    column = _column(request.by)
    last = sa.select(column).select_from(source).where(column.is_not(None))
    value = last.order_by(column.desc()).limit(1).correlate(None).scalar_subquery()
    return rows.add_columns(sa.case((column >= value, 1), else_=0).label("dataops_last"))


def _from_then_on(backend: Backend, request: Request, rows: Any, exact: Kind) -> Any:
    """Order rows by the column `by=`, and leave out those up to `since=`."""
    import pyarrow as pa
    import sqlalchemy as sa

    bare = column = _column(request.by)
    kind = exact.type
    sqlite = backend.speaker.dialect == "sqlite"
    if sqlite and pa.types.is_timestamp(kind):
        column = comparable(column)
    rows = rows.order_by(column)
    if request.since is None:
        return rows.where(bare.is_not(None)) if request.onward == "append" else rows
    value = first_value(backend.place, request.by, kind, request.since, request.overlap)
    if sqlite and pa.types.is_timestamp(kind):
        value = value.isoformat(" ", "microseconds")
    elif sqlite and pa.types.is_date(kind):
        value = value.isoformat()
    bound: Any = sa.bindparam("since", value, type_=sa.types.NullType())
    if exact.what == SINGLE:  # 0.7 in single precision is less than 0.7
        bound = sa.cast(sa.bindparam("since", value), sa.REAL())
    if not request.onward and request.overlap is None:
        return rows.where(column > bound)
    later = column > bound if request.strict else column >= bound
    return rows.where(sa.or_(later, bare.is_(None)) if request.onward == "upsert" else later)


def _column(name: str) -> Any:
    """Give a column by a name that was looked up, quoted whatever is in it."""
    import sqlalchemy as sa

    column: Any = sa.column(name)
    column.name = column.key = sa.sql.quoted_name(name, quote=True)
    return column


def names_of(place: str, result: Any) -> tuple[str, ...]:
    """Give the names of a result's columns; raises SourceError where one stands there twice."""
    names = tuple(str(column[0]) for column in result.cursor.description)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SourceError(
            f"{place}: the query gives the column {twice[0]!r} more than once",
            "name it with AS",
            source=place,
            option="query",
            column=twice[0],
        )
    return names


def _need_parameters(place: str, asked: Any, given: Any) -> None:
    """Raise SourceError for a parameter that is missing, or that the query does not have."""
    for name in asked:
        if name not in given:
            raise SourceError(
                f"{place}: the query asks for :{name}, which parameters= does not have"
                f"{did_you_mean(name, given)}",
                f"give it a value; a colon that belongs to the text is written \\:{name}",
                source=place,
                option="parameters",
            )
    for name in given:
        if name not in asked:
            raise SourceError(
                f"{place}: parameters= has {name!r}, which the query does not ask for"
                f"{did_you_mean(name, asked)}",
                f"write :{name} into the query, or take it off",
                source=place,
                option="parameters",
            )


def _bound(parameters: Any, dialect: str) -> dict[str, Any]:
    """Give the values of parameters as drivers take them; several are a list."""
    bound = {}
    for name, value in parameters.items():
        one = list(value) if isinstance(value, list | tuple | set | frozenset) else value
        if dialect == "sqlite" and isinstance(one, datetime):
            one = one.isoformat(" ")
        elif dialect == "sqlite" and isinstance(one, date):
            one = one.isoformat()
        bound[name] = one
    return bound


def find_table(backend: Backend, connection: sa.Connection, asked: str) -> tuple[str, str | None]:
    """Give a table's name and schema, looked up; raises SourceError with what is there.

    A name with a point in it is a table's of that name, else one of a schema: `shop.reviews`.
    """
    import sqlalchemy as sa

    inspector = sa.inspect(connection)
    here = _tables(inspector, None)
    if not asked:
        if len(here) == 1:
            return here[0], None
        raise SourceError(
            f"{backend.place} holds {len(here)} tables{_listed(here)}",
            "say which one: table='...'" if here else "name a database with a table in it",
            source=backend.place,
            option="table",
        )
    if asked in here:
        return asked, None
    known: Sequence[str] = here
    for at, sign in enumerate(asked):
        schema, table = asked[:at], asked[at + 1 :]
        if sign == "." and schema in inspector.get_schema_names():
            there = _tables(inspector, schema)
            if table in there:
                return table, schema
            known = [f"{schema}.{name}" for name in there]
    raise SourceError(
        f"{backend.place} has no table {asked!r}{did_you_mean(asked, known) or _listed(known)}",
        "name one of its tables or views, with its schema where that is another one",
        source=backend.place,
        option="table",
        table=asked,
    )


def _tables(inspector: Any, schema: str | None) -> list[str]:
    """Give the names of all that can be selected from, in order."""
    names = {*inspector.get_table_names(schema), *inspector.get_view_names(schema)}
    if inspector.dialect.name == "postgresql":
        names |= {*inspector.get_materialized_view_names(schema)}
        names |= {*inspector.get_foreign_table_names(schema)}
    return sorted(names)


def _listed(names: Sequence[str]) -> str:
    """List some names, for a sentence."""
    return f": {', '.join(names[:8])}{', ...' if len(names) > 8 else ''}" if names else ""
