"""Settling a source's columns: texts, a schema as it looks, or columns as they come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import typer

from assets.cli.preview import harmless
from assets.cli.proposing import (
    Proposed,
    date_column,
    id_column,
    is_iso,
    is_time,
    text_column,
)
from assets.cli.sampling import Sample
from assets.cli.show import print_table
from assets.cli.writing import Draft, word_of
from resources.errors import DataOpsError, SourceError, did_you_mean
from resources.values.telling import as_yaml


class ScaffoldError(DataOpsError):
    """A file that cannot be written as asked."""


@dataclass(frozen=True, slots=True)
class Settling:
    """What is known when columns are settled.

    schema: whether one is wanted, where that was said. yes: what is proposed is taken.
    asks: there is somebody to ask. quiet: nothing is shown.
    """

    sample: Sample
    found: Sequence[Proposed]
    schema: bool | None
    yes: bool
    asks: bool
    quiet: bool

    def settle(self, draft: Draft) -> Draft:
        """Give the draft with its columns; raises for columns that the source does not have."""
        if self.asks and not draft.id and self.schema is None:
            draft = self._ask_texts(draft)
        if not draft.id:
            declares = self._declares()
            return replace(draft, columns=self.found, seen=self.sample.seen) if declares else draft
        for column in (draft.id, draft.text):
            self._check(column)
        ids = next(one.column for one in self.found if one.column.name == draft.id)
        return replace(draft, text_ids=ids.type != "int64")

    def _declares(self) -> bool:
        """Tell whether the columns are to be declared as they look."""
        odd = [one.column.name for one in self.found if not one.column.type]
        if odd and self.schema:
            raise ScaffoldError(
                f"the columns {odd} are of types that no schema can declare",
                "leave --schema out: columns then come as they are",
            )
        if odd or self.schema is False:
            return False
        if not self.quiet:
            self._show()
        if self.asks and self.schema is None:
            return typer.confirm("Declare these columns as the schema?", default=True)
        return bool(self.schema) or self.yes

    def _ask_texts(self, draft: Draft) -> Draft:
        """Ask for the columns of a source of texts."""
        likely, text = id_column(self.found), text_column(self.sample.rows, self.found)
        if likely and text:
            print(f"It looks like texts: id {harmless(likely)}, text {harmless(text)}.")
        while True:
            question = "Column with the id of a text (empty: keep the columns as they are)"
            chosen = typer.prompt(question, default="", show_default=False).strip()
            if not chosen:
                return draft
            answer = typer.prompt("Column with the text", default=text or None).strip()
            try:
                self._check(chosen)
                self._check(answer)
            except SourceError as error:
                print(error)
            else:
                return self._ask_dates(replace(draft, id=chosen, text=answer))

    def _ask_dates(self, draft: Draft) -> Draft:
        """Ask for the column of dates where one looks like it, and how they are written."""
        rows = self.sample.rows
        likely = date_column(rows, self.found, but=(draft.id, draft.text))
        if not likely:
            return draft
        print(f"{harmless(likely)} looks like dates.")
        while True:
            question = "Column with the date of a text (empty: none)"
            chosen = typer.prompt(question, default="", show_default=False).strip()
            if not chosen:
                return draft
            try:
                self._check(chosen)
            except SourceError as error:
                print(error)
                continue
            dated = replace(draft, created_at=chosen)
            return dated if is_iso(rows, chosen) else self._ask_format(dated)

    def _ask_format(self, draft: Draft) -> Draft:
        """Ask how dates are written, until the first one can be read."""
        values = self.sample.rows.column(draft.created_at).drop_null().to_pylist()
        first = next((str(value) for value in values if not is_time(str(value))), "")
        print(f"{harmless(first)} is not ISO 8601.")
        while True:
            question = "How are they written, such as %y.%m.%d? (empty: no date)"
            form = typer.prompt(question, default="", show_default=False).strip().strip("\"'")
            if not form:
                return replace(draft, created_at="")
            if is_time(first, form):
                return replace(draft, time_format=form)
            print(f"{harmless(first)} is not written as {harmless(form)}.")

    def _check(self, column: str) -> None:
        """Refuse a column that the source does not have."""
        names = [one.column.name for one in self.found]
        if column not in names:
            raise SourceError(
                f"the source has no column {column!r}{did_you_mean(column, names)}",
                f"its columns are {', '.join(map(harmless, names))}",
                column=column,
            )

    def _show(self) -> None:
        """Show the schema that the sample proposes."""
        rows = [
            (
                harmless(one.column.name),
                word_of(one.column.type),
                "may be missing" if one.column.nullable else "",
                "unique" if one.column.unique else "",
                (
                    f"only {', '.join(harmless(value, 12) for value in one.values)}"
                    if one.values
                    else ""
                ),
                (
                    harmless(f"written: {as_yaml(one.column.written)}", 80)
                    if one.column.written
                    else ""
                ),
            )
            for one in self.found
        ]
        print_table(("column", "type", "", "", "", ""), rows)
        for one in self.found:
            if one.note:
                print(harmless(f"{one.column.name}: {one.note}", 400))
        print()
