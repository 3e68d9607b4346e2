"""Types of text columns, taken only where every value reads back exactly as it was written."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from resources.sources import years

if TYPE_CHECKING:
    import pyarrow as pa

_GLANCE: Final = 256


@dataclass(frozen=True, slots=True)
class Form:
    """One way to write one type: how to read it, and how to write it again."""

    type: pa.DataType
    read: Callable[[Any], Any]
    write: Callable[[Any], Any]

    def fits(self, texts: pa.Array) -> bool:
        """Tell whether all texts come back exactly (nulls stay out of it)."""
        import pyarrow as pa
        import pyarrow.compute as pc

        try:
            again = self.write(self.read(texts))
        except pa.ArrowInvalid:
            return False
        return bool(pc.all(pc.equal(texts, again)).as_py() is not False)


class Inference:
    """The forms that still fit each column, while batches of texts go by."""

    def __init__(self, names: Iterable[str]) -> None:
        """Start with every form open for every column."""
        self._open: dict[str, list[Form]] = {name: list(_forms()) for name in names}
        self._seen: set[str] = set()

    def look(self, batch: pa.RecordBatch) -> None:
        """Drop the forms that do not fit this batch; a glance at its head drops most, cheaply."""
        for name, forms in self._open.items():
            if not forms:
                continue
            texts = batch.column(name).drop_null()
            if len(texts):
                self._seen.add(name)
                head = texts.slice(0, _GLANCE)
                forms[:] = [form for form in forms if form.fits(head) and form.fits(texts)]

    def forms(self) -> dict[str, Form]:
        """Give the form of each column that is more than text."""
        return {
            name: forms[0] for name, forms in self._open.items() if forms and name in self._seen
        }


def forms_of(kind: pa.DataType) -> list[Form]:
    """Give the forms of a type; for one that no text is inferred to be, as Arrow writes it."""
    return [form for form in _forms() if form.type == kind] or [Form(kind, _cast(kind), _text)]


def _forms() -> tuple[Form, ...]:
    """Give all forms, the first that fits wins."""
    import pyarrow as pa

    return (
        Form(pa.int64(), _cast(pa.int64()), _text),
        Form(pa.date32(), _cast(pa.date32()), _date_text),
        *(_timestamp(sign, digits) for sign in " T" for digits in (0, 3, 6, 9)),
        Form(pa.float64(), _cast(pa.float64()), _number_text),
        Form(pa.float64(), _cast(pa.float64()), decimal_point),
    )


def _cast(kind: pa.DataType) -> Callable[[Any], Any]:
    """Read texts as a type; raises ArrowInvalid where one cannot be read."""
    return lambda texts: texts.cast(kind)


def _text(values: Any) -> Any:
    """Write values as Arrow does."""
    import pyarrow as pa

    return values.cast(pa.string())


def _date_text(values: Any) -> Any:
    """Write dates; years outside 1..9999 exist for Arrow alone and come back as nothing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = values.cast(pa.string())
    return pc.if_else(pc.match_substring_regex(texts, years.PATTERN), texts, "")


def _number_text(values: Any) -> Any:
    """Write numbers without a needless `.0`; what is not finite comes back as nothing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.if_else(pc.is_finite(values), values.cast(pa.string()), "")


def decimal_point(values: Any) -> Any:
    """Write finite numbers with a decimal point always: 5.0, not 5."""
    import pyarrow.compute as pc

    texts = _number_text(values)
    whole = pc.match_substring_regex(texts, r"^-?\d+$")
    return pc.if_else(whole, pc.binary_join_element_wise(texts, ".0", ""), texts)


def _timestamp(sign: str, digits: int) -> Form:
    """Give the form YYYY-MM-DD, a sign, HH:MM:SS and that many digits of a second."""
    import pyarrow as pa
    import pyarrow.compute as pc

    unit = {0: "s", 3: "ms", 6: "us", 9: "ns"}[digits]
    stored = "ns" if unit == "ns" else "us"

    def read(texts: Any) -> Any:
        """Read in the unit that has these digits, then keep microseconds or better."""
        return texts.cast(pa.timestamp(unit)).cast(pa.timestamp(stored))

    def write(values: Any) -> Any:
        """Write with exactly these digits and this sign."""
        texts = values.cast(pa.timestamp(unit)).cast(pa.string())
        texts = pc.if_else(pc.match_substring_regex(texts, years.PATTERN), texts, "")
        return texts if sign == " " else pc.replace_substring(texts, " ", sign)

    return Form(pa.timestamp(stored), read, write)
