"""Gold sets: rows whose right answers are known, from CSV or JSON lines."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, Final, NoReturn

from resources.errors import DataOpsError, did_you_mean
from resources.evaluation.language import language_of

TEXT: Final = ""
"""The column's name in a gold set of single texts (`raw`, `expected`)."""
_EXPECTED: Final = re.compile(r"expected(?:\.(?P<column>.+?))?(?:_(?P<place>[2-9]|[1-9]\d+))?")
_KNOWN: Final = ("id", "raw", "expected", "language", "kind")


class GoldError(DataOpsError):
    """A gold set that cannot be used."""


@dataclass(frozen=True, slots=True)
class GoldRow:
    """One row: by column the raw text, and every answer that is right.

    A column that is only expected is something to be found out: a label, a number.
    """

    id: str
    raw: Mapping[str, str]
    expected: Mapping[str, tuple[str, ...]]
    language: str = ""
    kind: str = ""


def read_gold(path: Path) -> list[GoldRow]:
    """Read a gold set; raises GoldError with file, line and field."""
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        lines = _json_lines(path)
    elif path.suffix.lower() == ".csv":
        lines = _csv_lines(path)
    else:
        raise GoldError(
            f"the gold set {path} is neither .csv nor .jsonl",
            "save it as CSV (UTF-8) or as JSON lines",
            file=str(path),
        )
    rows: list[GoldRow] = []
    ids: dict[str, int] = {}
    for number, fields in lines:
        row = _row(path, number, fields)
        if row.id in ids:
            _refuse(path, number, "id", f"{row.id!r} stands in line {ids[row.id]} already")
        if rows and (set(row.raw), set(row.expected)) != (set(rows[0].raw), set(rows[0].expected)):
            _refuse(path, number, "raw", "it has other columns than the first row")
        ids[row.id] = number
        rows.append(row)
    if not rows:
        raise GoldError(
            f"the gold set {path} has no rows",
            "write at least one: id,raw,expected",
            file=str(path),
        )
    return rows


def write_gold(path: Path, rows: Sequence[GoldRow]) -> None:
    """Write a gold set as its file name says; `read_gold` gives exactly these rows back."""
    from resources.files import replace_file

    if path.suffix.lower() in (".jsonl", ".ndjson"):
        lines = (json.dumps(_fields(row), ensure_ascii=False) for row in rows)
        text = "".join(f"{line}\n" for line in lines)
    else:
        text = _csv_text(rows)
    replace_file(path, text.encode())


def _csv_text(rows: Sequence[GoldRow]) -> str:
    """Write rows as CSV; each further answer has a column of its own."""
    out = StringIO()
    for row in rows:
        if any("" in right and row.raw.get(c) for c, right in row.expected.items()):
            raise GoldError(
                f"the right answer of row {row.id} is an empty text, which a CSV cannot say",
                "name a file that ends in .jsonl",
                row=row.id,
            )
    flat = [_flat(_fields(row)) for row in rows]
    names = list(dict.fromkeys(name for row in flat for name in row))
    # All quoted: Python 3.11 leaves a lone carriage return bare.
    writer = csv.DictWriter(out, names, restval="", lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(flat)
    return out.getvalue()


def _fields(row: GoldRow) -> dict[str, Any]:
    """Give a row's fields as they stand in JSON."""
    fields: dict[str, Any] = {"id": row.id}
    fields |= {_name("raw", column): text for column, text in row.raw.items()}
    fields |= {_name("expected", column): list(right) for column, right in row.expected.items()}
    return fields | {"language": row.language, "kind": row.kind}


def _flat(fields: dict[str, Any]) -> dict[str, str]:
    """Spread answers over columns."""
    flat: dict[str, str] = {}
    for name, value in fields.items():
        if not isinstance(value, list):
            flat[name] = value
            continue
        for place, text in enumerate(value, 1):
            flat[name if place == 1 else f"{name}_{place}"] = text
    return flat


def _name(word: str, column: str) -> str:
    """Give a field's name: `raw`, or `raw.title`."""
    return f"{word}.{column}" if column else word


def _json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Give the objects of a file and their lines."""
    for number, line in enumerate(_text(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            _refuse(path, number, "", f"it is no JSON: {error}")
        if not isinstance(value, dict):
            _refuse(path, number, "", "it is no JSON object")
        yield number, value


def _csv_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Give the rows of a file as fields, and the lines on which they begin."""
    csv.field_size_limit(1 << 27)
    reader = csv.reader(StringIO(_text(path), newline=""), strict=True)
    number = 1
    try:
        header = next(reader, [])
        if len(set(header)) < len(header):
            _refuse(path, 1, "", "a column's name stands there twice")
        for cells in reader:
            first, number = number + 1, reader.line_num
            if not cells:
                continue
            if len(cells) != len(header):
                said = f"it has {len(cells)} fields, the header has {len(header)}"
                _refuse(path, first, "", said)
            yield first, dict(zip(header, cells, strict=True))
            number = reader.line_num
    except csv.Error as error:
        _refuse(path, number, "", f"it is no CSV: {error}")


def _text(path: Path) -> str:
    """Read a file as UTF-8."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise GoldError(
            f"the gold set {path} cannot be read ({error.strerror})",
            "name a CSV or JSONL file that this user may read",
            file=str(path),
        ) from None
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise GoldError(
            f"the gold set {path}, line {line}, is not UTF-8",
            "save it as UTF-8 (Excel: 'CSV UTF-8')",
            file=str(path),
            line=line,
        ) from None


def _row(path: Path, line: int, fields: Mapping[str, Any]) -> GoldRow:
    """Read one row's fields."""
    raw: dict[str, str] = {}
    expected: dict[str, list[str]] = {}
    plain: dict[str, str] = {}
    from_csv = path.suffix.lower() == ".csv"
    for name, value in fields.items():
        if name == "raw" or name.startswith("raw."):
            raw[name[4:]] = _string(path, line, name, value)
        elif (answer := _EXPECTED.fullmatch(name)) is not None:
            column = answer["column"] or TEXT
            if not (value == "" and from_csv and answer["place"]):
                expected.setdefault(column, []).extend(_answers(path, line, name, value))
        elif name in _KNOWN:
            plain[name] = str(value) if name == "id" else _string(path, line, name, value or "")
    _need_answers(path, line, raw, expected, fields)
    right = {column: tuple(dict.fromkeys(texts)) for column, texts in expected.items()}
    whole = " ".join(texts[0] for column, texts in right.items() if column in raw)
    return GoldRow(
        plain.get("id") or str(line),
        raw,
        right,
        plain.get("language") or language_of(whole),
        plain.get("kind", ""),
    )


def _need_answers(
    path: Path,
    line: int,
    raw: Mapping[str, str],
    expected: Mapping[str, list[str]],
    fields: Mapping[str, Any],
) -> None:
    """Raise GoldError where a text or its answer is missing."""
    if not raw:
        hint = did_you_mean("raw", fields)
        _refuse(path, line, "raw", f"it is missing{hint}")
    for column, text in raw.items():
        name = _name("expected", column)
        if not expected.get(column):
            _refuse(path, line, name, f"it is missing{did_you_mean(name, fields)}")
        if path.suffix.lower() == ".csv" and text and expected[column] == [""]:
            said = "it is empty; where that is the right answer, say so in a .jsonl"
            _refuse(path, line, name, said)


def _answers(path: Path, line: int, name: str, value: Any) -> list[str]:
    """Give the accepted answers in one field."""
    if isinstance(value, list):
        if not value:
            _refuse(path, line, name, "the list is empty")
        return [_string(path, line, name, each) for each in value]
    if isinstance(value, bool | int | float):  # a label or a number to be found out
        return [json.dumps(value)]
    return [_string(path, line, name, value)]


def _string(path: Path, line: int, name: str, value: Any) -> str:
    """Give a field's text."""
    if not isinstance(value, str):
        _refuse(path, line, name, f"{json.dumps(value, ensure_ascii=False)[:60]} is no text")
    return value


def _refuse(path: Path, line: int, name: str, problem: str) -> NoReturn:
    """Raise GoldError for a place in the file."""
    where = f"{path}, line {line}" + (f", field {name!r}" if name else "")
    raise GoldError(
        f"{where}: {problem}",
        "a gold set has id, raw and expected (or raw.<column> and expected.<column>)",
        file=str(path),
        line=line,
        field=name,
    )
