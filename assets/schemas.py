"""Ready-made schemas: the product's raw and processed texts (opt-in)."""

from __future__ import annotations

from typing import Annotated

from assets.model.schema import Json, Schema, TimestampNs, Unique, Volatile


class RawText(Schema):
    """A collected text: what `Source.texts()` hands over."""

    id: Annotated[int, Unique]
    source: str
    raw_text: str | None
    created_at: TimestampNs
    metadata: Json | None


class ProcessedText(Schema):
    """A cleaned text: what a Cleaner makes of RawText, in this order."""

    id: Annotated[int, Unique]
    source: str
    raw_text: str | None
    cleaned_text: str | None
    llm_model: str
    cleaning_task: str
    created_at: TimestampNs
    processed_at: Annotated[TimestampNs, Volatile]
    metadata: Json | None
