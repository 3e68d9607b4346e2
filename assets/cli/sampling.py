"""A look at a source before anything is declared: some of its rows, and its encoding."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

from resources.errors import SourceError
from resources.reach import SETTING, hold, outside
from resources.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa

    from resources.sources.decoding import Encoding
    from resources.tables import Table

ROWS: Final = 10_000
"""How many rows are looked at."""
HEAD: Final = 4 << 20
"""How many bytes of a file of lines are looked at."""
_LINES: Final = (".csv", ".tsv", ".tab", ".txt", ".jsonl", ".ndjson")
_WIDE_MARKS: Final = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")


@dataclass(frozen=True, slots=True)
class Sample:
    """The first rows of a source. complete: they are all of it. files: those that it names.

    encoding: of a file of text ("" else), with the confidence that it is. rejected: rows among
    them that cannot be read. layout: the options that say what was found out about how it is laid
    out, and notes: the sentences that say so.
    """

    rows: pa.Table
    complete: bool
    files: tuple[Path, ...] = ()
    encoding: str = ""
    confidence: float = 1.0
    rejected: int = 0
    layout: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def seen(self) -> str:
        """Say how much of the source this is."""
        count = f"{self.rows.num_rows:,}"
        return f"all {count} rows" if self.complete else f"the first {count} rows"

    def facts(self) -> dict[str, Any]:
        """Give what is known as JSON-ready facts."""
        return {
            "rows": self.rows.num_rows,
            "complete": self.complete,
            "rejected": self.rejected,
            "files": [str(file) for file in self.files],
            "encoding": self.encoding,
            "confidence": round(self.confidence, 3),
            **({"layout": dict(self.layout)} if self.layout else {}),
            **({"notes": list(self.notes)} if self.notes else {}),
        }


def take_sample(settings: Settings, source: str, options: Mapping[str, Any]) -> Sample:
    """Read the first rows of a source as a collector would; raises SourceError where it cannot."""
    import pyarrow as pa

    from assets.engine.arguments import web_of
    from resources.rejects import Rejects
    from resources.sources import Source, find_sources

    folder = outside(source, settings.root, settings.sources_allow)
    if folder:
        raise SourceError(
            f"the source {source!r} lies outside the project",
            f"put the file into it, or allow the folder: {SETTING}={Path(folder).parent}",
        )
    places = find_sources([source], settings.root)
    found = (one for one in places if isinstance(one, Path))
    hold(found, settings.root, settings.sources_allow)
    first = places[0]
    with TemporaryDirectory(prefix="dataops-") as folder:
        head = _head(first, Path(folder)) if isinstance(first, Path) else None
        rejects = Rejects(Path(folder) / "rejects.parquet")
        try:
            reading = Source(
                (head or first,),
                name="source",
                columns=None,
                rejects=rejects,
                web=web_of(settings),
            )
            table = reading.read(**cast("Any", dict(options)))
            rows = pa.Table.from_batches(_first(table), table.schema)
            layout = getattr(reading.readers[-1], "layout_options", {})
        except SourceError as error:
            if head is not None:  # name the file, not its copy
                facts = error.facts | {"file": str(first)}
                said = error.problem.replace(str(head), str(first))
                raise SourceError(said, error.fix, **facts) from None
            raise
        finally:
            rejects.close()
        encoding = _encoding(head or first, options)
    return Sample(
        rows.slice(0, ROWS),
        head is None and rows.num_rows <= ROWS and len(places) == 1,
        tuple(place for place in places if isinstance(place, Path)),
        encoding.codec,
        encoding.confidence,
        rejects.rows,
        {name: value for name, value in layout.items() if name not in options},
        tuple(said for said in rejects.warnings if said != encoding.note),
    )


def _first(table: Table) -> Iterator[pa.RecordBatch]:
    """Give the first batches of a table, one row more than are looked at where there are more."""
    count = 0
    for batch in table.batches(ROWS + 1):
        yield batch
        count += batch.num_rows
        if count > ROWS:
            return


def _encoding(file: Path | str, options: Mapping[str, Any]) -> Encoding:
    """Tell the encoding of a file of text, and how sure that is; "" for other files."""
    from resources.sources.decoding import Encoding
    from resources.sources.encoding import find_encoding
    from resources.sources.formats import format_of
    from resources.sources.packed import expand

    if isinstance(file, str):
        return Encoding("")
    asked = options.get("encoding")
    first = Path(expand(file, options.get("member"))[0])
    if "encoding" not in format_of(first, options.get("format"), asked).options:
        return Encoding("")
    return find_encoding(first, asked)


def _head(file: Path, folder: Path) -> Path | None:
    """Copy the first whole lines of a long file of lines; None where all of it can be read."""
    packed = file.suffix.lower() == ".gz"
    name = file.name[: -len(file.suffix)] if packed else file.name
    if Path(name).suffix.lower() not in _LINES:
        return None
    try:
        with cast("BinaryIO", gzip.open(file)) if packed else file.open("rb") as stream:
            text = stream.read(HEAD + 1)
    except (OSError, EOFError):
        return None  # the reader says what is wrong with it
    if len(text) <= HEAD or text.startswith(_WIDE_MARKS):
        return None
    end = text.rfind(b"\n") if "json" in name.lower() else _record_end(text)
    if end < HEAD // 2:
        return None  # records as long as that, or a mark that is not closed
    head = folder / name
    head.write_bytes(text[: end + 1])
    return head


def _record_end(text: bytes) -> int:
    """Give the last line end that is outside quotation marks, -1 where there is none."""
    end = text.rfind(b"\n")
    odd = text.count(b'"', 0, max(end, 0)) % 2
    while end >= 0 and odd:
        before = text.rfind(b"\n", 0, end)
        odd = (odd + text.count(b'"', max(before, 0), end)) % 2
        end = before
    return end
