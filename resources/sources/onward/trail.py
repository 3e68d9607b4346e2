"""The trail of one read: which rows at the cursor's value are there already, and which to keep.

A cursor's value is read inclusively, or rows that come later with the last value would be lost for
good. What was there is told by its content, as often as it was there; the rest is new.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from resources.errors import SourceError
from resources.sources.onward.boundary import MOST, Boundary, Value, digest_of

if TYPE_CHECKING:
    import pyarrow as pa

_UNKNOWN = object()


@dataclass(slots=True)
class Onward:
    """Where a collector's cursor stands, and what it leaves behind.

    at: the cursor's value (None = it begins). kept: the rows that had it. keyed: whether a key
    tells rows apart. appends: a row with a key, or a content, that is there never changes.
    published: gives the boundary by a column as the version's rows have it, for a version of a
    release that kept none. guessed: it was asked. strict: it had no answer, so that rows with the
    cursor's own value are passed over, once. early: the last values that were asked for while
    rows were still to come.
    """

    asset: str
    published: Callable[[str], Boundary | None] = lambda _by: None
    at: Value | None = None
    kept: Boundary | None = None
    keyed: bool = False
    appends: bool = True
    strict: bool = False
    guessed: bool = False
    warnings: list[str] = field(default_factory=list)
    trails: list[Trail] = field(default_factory=list)
    early: set[object] = field(default_factory=set)

    def trail(self, place: str, by: str) -> Trail:
        """Begin the trail of one read."""
        self._need_boundary(place, by)
        self.trails.append(Trail(self, place, by))
        return self.trails[-1]

    def _need_boundary(self, place: str, by: str) -> None:
        """Find out what is there at the cursor's value, where the version kept nothing of it."""
        if (
            self.at is None
            or self.keyed
            or not self.appends
            or self.strict
            or self.kept is not None
        ):
            return
        self.kept = self.published(by)
        self.guessed, self.strict = self.kept is not None, self.kept is None
        if self.strict:
            self.warnings.append(
                f"{place}: the last version kept nothing by which its rows with the last value of "
                f"{by!r}, {self.at!r}, are known again, so only rows beyond it are read: any that "
                "came since with that very value are not taken; to have them, say on=['id'] or "
                f"collect everything anew: dataops materialize {self.asset} --full"
            )

    def stands(self, value: object) -> bool:
        """Tell whether a value is the last one of a read that began where the cursor stands.

        Then the source itself says that it is further, by its own order.
        """
        return any(trail.begun and trail.orders and trail.last == value for trail in self.trails)

    def is_left_behind(self, value: Value | None, *, told: bool) -> bool:
        """Tell whether a cursor stays at `value` although rows beyond it were taken.

        told: whether the function said where it stands; without a read of ours that is all there
        is to know.
        """
        begun = [trail for trail in self.trails if trail.begun and trail.last is not None]
        if not begun:
            return not told
        if any(trail.last == value for trail in begun):
            return False
        return value == self.at or value in self.early

    def left_at(self, value: Value | None) -> Boundary | None:
        """Give the boundary of a cursor that ends at `value`; None where it is not known.

        Raises SourceError where rows could not be told apart by the next read.
        """
        if value is None:
            return None
        self._need_all_known()
        here = [trail for trail in self.trails if trail.begun and trail.last == value]
        if not here:
            return self.kept if self.kept is not None and self.kept.at == value else None
        if any(trail.many for trail in here):
            return None if self.keyed else _refuse_many(self, here[0])
        first, rows = here[0], Counter[str]()
        for trail in here:
            rows.update(trail.seen)
        kept = self.kept
        # Without a key a row that went and came again is the one that is there; with one, what
        # counts is how the rows stood last.
        if kept is not None and kept.at == value and not self.keyed:
            names = set(kept.columns)
            if names == set(first.names):
                rows |= Counter(dict(kept.rows))
        return Boundary(first.by, value, tuple(sorted(first.names)), dict(rows))

    def _need_all_known(self) -> None:
        """Refuse to go on where published rows at the cursor's value were not met at the source."""
        begun = [trail for trail in self.trails if trail.begun]
        if not self.guessed or self.kept is None or not begun:
            return
        there, met = sum(self.kept.rows.values()), sum(trail.taken.total() for trail in begun)
        if met < there:
            raise SourceError(
                f"{begun[0].place}: {there - met:,} of the {there:,} published rows with the last "
                f"value of {self.kept.by!r}, {self.at!r}, do not stand at the source as they were "
                "published, so rows could be there twice (an earlier release kept nothing to know "
                "them by)",
                "say which columns tell rows apart: on=['id']; or collect everything anew: "
                f"dataops materialize {self.asset} --full",
                asset=self.asset,
            )


@dataclass(slots=True)
class Trail:
    """One read by the column `by`. names: the columns of its rows, once they are known.

    begun: whether it was read. last: the greatest value, as the cursor keeps it; orders: whether
    the source's own order says so; unordered: whether it gives its rows in any order. seen: the
    contents at it, and of rows that come every time; many: they are too many to keep. form: gives
    a value as the cursor keeps it. taken: contents of rows that were there already.
    """

    onward: Onward
    place: str
    by: str
    names: tuple[str, ...] = ()
    begun: bool = False
    orders: bool = False
    last: Value | None = None
    many: bool = False
    at_last: Counter[str] = field(default_factory=Counter)
    always: Counter[str] = field(default_factory=Counter)
    taken: Counter[str] = field(default_factory=Counter)
    past: bool = False
    missing: int = 0
    unordered: bool = False
    form: Callable[[Any], Any] = lambda value: value
    _picked: tuple[int, ...] = ()
    _old: tuple[str, ...] = ()
    _sorted: tuple[int, ...] = ()

    @property
    def seen(self) -> Counter[str]:
        """Give what the next read from the last value would give again, by content."""
        return self.at_last + self.always

    def begin(self, names: Sequence[str]) -> None:
        """Begin a pass over the rows, which may not be the first one."""
        self.names, self.begun, self.last, self.many, self.past = (
            tuple(names),
            True,
            None,
            False,
            False,
        )
        self.at_last, self.always, self.taken = Counter(), Counter(), Counter()
        self.missing = 0
        self._sorted = tuple(names.index(name) for name in sorted(names))
        kept = self._kept()
        gone = [name for name in kept.columns if name not in names] if kept is not None else []
        if gone and not self.onward.keyed:
            raise SourceError(
                f"{self.place} has no column {gone[0]!r} any more, and by it the rows that had the "
                f"last value of {self.by!r} are told from those that come later",
                "say which columns tell rows apart: on=['id']; or collect everything anew: "
                f"dataops materialize {self.onward.asset} --full",
                source=self.place,
                column=gone[0],
            )
        self._old = () if kept is None or gone else kept.columns
        self._picked = tuple(names.index(name) for name in self._old)

    def fresh(
        self,
        rows: Sequence[Sequence[Any]],
        value_of: Callable[[Sequence[Any]], Any],
        at: Any,
        *,
        flag: int | None = None,
    ) -> list[Sequence[Any]]:
        """Give the rows of a batch, in the source's order, that are not there already.

        value_of: gives a row's value of `by` as the cursor keeps it, None where it cannot. at: the
        value that was read from. flag: where a row says whether it has the last value, for values
        whose order and likeness only the source knows.
        """
        self.orders = flag is not None
        out: list[Sequence[Any]] = []
        head = 0
        for head, row in enumerate(rows):  # noqa: B007 - it is used after the loop
            if self.past or not self._may_be_known(row, value_of, at, flag):
                break
            if not self.is_known(row):
                out.append(row)
        else:
            head = len(rows)
        rest = list(rows[head:])
        self._remember(rows, value_of, flag)
        tail = len(rest)
        while flag is None and self.past and tail and value_of(rest[tail - 1]) is None:
            tail -= 1
        out += rest[:tail]
        out += [row for row in rest[tail:] if not self.is_known(row)]
        return out

    def _may_be_known(
        self,
        row: Sequence[Any],
        value_of: Callable[[Sequence[Any]], Any],
        at: Any,
        flag: int | None,
    ) -> bool:
        """Tell whether a row can be one of the boundary; rows come in order, so soon none can."""
        if not self._old:
            self.past = True
        elif flag is None:
            value = value_of(row)
            self.past = value is not None and value != at
        else:
            self.past = self.taken.total() >= sum((self._kept() or _NONE).rows.values())
        return not self.past

    def is_known(self, row: Sequence[Any]) -> bool:
        """Tell whether a row is there already; as often as it is, and no more."""
        kept = self._kept()
        if kept is None or not self._old:
            return False
        name = digest_of(self._old, [row[at] for at in self._picked])
        there = kept.rows.get(name, 0)
        if there and there > sum(trail.taken[name] for trail in self.onward.trails):
            self.taken[name] += 1
            return True
        return False

    def _remember(  # noqa: C901 - one walk from the end
        self,
        rows: Sequence[Sequence[Any]],
        value_of: Callable[[Sequence[Any]], Any],
        flag: int | None,
    ) -> None:
        """Keep the contents of the rows with the last value so far, and of those beyond values."""
        values: dict[int, Any] = {}
        last, start = None, len(rows)
        for start in range(len(rows) - 1, -1, -1):
            values[start] = value = value_of(rows[start])
            if value is None:
                continue
            if last is None:
                last = value
            elif value != last if flag is None else not rows[start][flag]:
                break
        else:
            start = -1
        for at in range(start):  # rows without a value may stand in front, too
            if value_of(rows[at]) is not None:
                break
            self._keep(self.always, rows[at])
        if last is not None and (flag is None and last != self.last):
            self.at_last, self.many = Counter(), False
        if last is not None:
            self.last = last
        for at in range(start + 1, len(rows)):
            if values[at] is None:
                self._keep(self.always, rows[at])
            elif flag is None or rows[at][flag]:
                self._keep(self.at_last, rows[at])

    def fresh_of(self, batch: pa.RecordBatch, greatest: Value | None, at: Any) -> pa.RecordBatch:
        """Give the rows of a batch in no order that are not there already.

        greatest: the greatest value so far, this batch included.
        """
        import pyarrow as pa

        column = [self.form(value) for value in batch.column(self.by).to_pylist()]
        self._reach(greatest)
        keep = [True] * batch.num_rows
        for n, value in enumerate(column):
            if value is not None and value not in (at, self.last):
                continue
            row = [array[n].as_py() for array in batch.columns]
            keep[n] = self._look(row, value, at)
        return batch if all(keep) else batch.filter(pa.array(keep, pa.bool_()))

    def is_fresh(self, row: Mapping[str, Any], greatest: Value | None, at: Any) -> bool:
        """Tell of one row as it is written, in no order, whether it is not there already."""
        value = self.form(row.get(self.by))
        self._reach(greatest)
        if value is not None and value not in (at, self.last):
            return True
        return self._look([row.get(name) for name in self.names], value, at)

    def _reach(self, greatest: Value | None) -> None:
        """Begin anew to keep rows where there is a greater value."""
        self.unordered = True
        if greatest is not None and greatest != self.last:
            self.last, self.many, self.at_last = greatest, False, Counter()

    def _look(self, row: Sequence[Any], value: Any, at: Any) -> bool:
        """Remember a row, and tell whether it is to be handed over."""
        if value is None and self.onward.appends:
            self.missing += 1
            return False
        if value is None:
            self._keep(self.always, row)
        elif value == self.last:
            self._keep(self.at_last, row)
        if self.onward.strict and value == at:
            return False
        return not ((value is None or value == at) and self.is_known(row))

    def _keep(self, where: Counter[str], row: Sequence[Any]) -> None:
        """Keep one content, unless there are too many."""
        if self.many:
            return
        names = sorted(self.names)
        where[digest_of(names, [row[at] for at in self._sorted])] += 1
        if self.at_last.total() + self.always.total() > MOST:
            self.many = True
            self.at_last, self.always = Counter(), Counter()

    def not_again(self) -> tuple[str, ...]:
        """Warn where no row of the boundary came again, and others did: the value is left out.

        A database is asked in a way that cannot leave it out; there the rows are gone.
        """
        kept = self._kept()
        if kept is None or not kept.rows or not self.begun or self.taken or not self.unordered:
            return ()
        said = (
            f"{self.place} gave none of the {sum(kept.rows.values()):,} rows again that have the "
            f"last value of {self.by!r}, {kept.at!r}: if it leaves out the value itself, rows that "
            "come later with that value are lost; ask with a parameter that includes it"
        )
        return (said,)

    def _kept(self) -> Boundary | None:
        """Give what was there, if it is of this column."""
        kept = self.onward.kept
        return kept if kept is not None and kept.by == self.by else None


_NONE = Boundary("", 0, ())


def _refuse_many(onward: Onward, trail: Trail) -> Boundary | None:
    """Say that the rows with the last value are too many to know them again."""
    raise SourceError(
        f"{trail.place} has more than {MOST:,} rows with the last value of {trail.by!r}, "
        f"{trail.last!r}: without a key they could not be told from rows that come later",
        "say which columns tell rows apart: on=['id']; or name a column that is finer",
        asset=onward.asset,
        column=trail.by,
    )
