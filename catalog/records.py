"""The record: what events say, field by field. These shapes are promises (docs/catalog.md).

Every event is one JSON object with `kind` and `format`, sealed by `previous` and `checksum`
(catalog/seal.py). Times are UTC, ISO 8601 with `Z`.
Paths are relative to the data folder, with forward slashes.
"""

from __future__ import annotations

from typing import Any, Final, get_args

import msgspec

ACCEPTED: Final = "rows accepted"
"""The reason for a version that people made by accepting rows from quarantine."""
FORMAT = 1
"""The format that this release writes; it reads this one and older ones.

`gc=False`: records are frozen and never form cycles, and thousands of them decode faster so.
"""


class File(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One immutable file of a version."""

    path: str
    rows: int
    bytes: int
    checksum: str
    content: str
    mtime_ns: int = 0
    partition: str | None = None


class Input(msgspec.Struct, frozen=True, gc=False):
    """The upstream version that was pinned and read."""

    key: str
    version: int
    data_version: str


class SourceFile(msgspec.Struct, frozen=True, gc=False):
    """A file that a collector read, as it was before the collector ran."""

    path: str
    bytes: int
    mtime_ns: int
    checksum: str


class Check(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What one check found. severity: block or warn; rows: how many rows break it."""

    name: str
    column: str
    severity: str
    passed: bool
    rows: int = 0
    value: float | None = None
    threshold: float | None = None
    detail: str = ""


class Usage(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What a cleaning engine used, per model. seconds: sum of request latencies; cost in USD."""

    engine: str
    model: str
    task: str
    rows: int = 0
    unique_rows: int = 0
    cached_rows: int = 0
    requests: int = 0
    failed_requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    seconds: float = 0.0


class SchemaColumn(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A column as it was published."""

    name: str
    type: str
    nullable: bool = True
    unique: bool = False
    allowed: tuple[Any, ...] = ()
    volatile: bool = False


class ColumnProfile(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A column in figures. distinct: about how many values; mean: of numbers, of texts' lengths."""

    name: str
    missing: int = 0
    distinct: int = 0
    mean: float | None = None


class Profile(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The rows that a materialization put in, in figures: what later ones are held against."""

    rows: int
    columns: tuple[ColumnProfile, ...] = ()


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", gc=False):
    """What all events carry. id: unique over all events; at: when; by: who (user, or airflow)."""

    id: str
    at: str
    by: str = ""
    format: int = FORMAT


class Materialized(Event, tag="materialized", frozen=True, kw_only=True, gc=False):
    """A published result. `number` is the version: its place in the asset's stream.

    why: the plan's reasons. request: what asked for it ("run/task/clear count", or "").
    as_of: the moment it was made for (a schedule's tick; else the start).
    code, config, inputs, sources: what it was made from, item by item.
    unchanged: the result was identical, so `files` are those of an earlier version.
    mode: how the result joined the version before: replace (it stands alone), append or upsert.
    base: the version whose rows all stand in this one, unchanged and first (0 = none does).
    added: rows that this materialization put in; replaced: rows of before that made room for them.
    deleted: rows of before that their source has no more; deleted_keys: the first of their keys;
    deleted_file: all keys that are deleted ("" = none). marks: rows that came to say so.
    So rows = those of before + added - replaced - deleted, and rows_in = added + duplicates +
    quarantined + marks. full: the load was of all that the source has, though it joined rows.
    retry_rows: those quarantined for a passing cause.
    cursor: how far a collector came, as JSON ("" = it keeps none). boundary: the contents of the
    source's rows that have the cursor's value, as JSON; boundary_file: where they are many ("" =
    none is known: versions of before kept none).
    calls_file: log of calls to models; source_calls_file: of requests to web sources;
    provenance_file: how each row was made ("" = none).
    validation_file: what Great Expectations found, expectation by expectation ("" = no suite).
    profile: its rows in figures. accepted: rows that corrections put in the place of rejected ones;
    corrections_file: all corrections in force ("" = none), which later versions use, too.
    seconds, cpu_seconds, peak_memory (bytes): of the attempt.
    workbook: the same rows as .xlsx (None = none was asked for).
    checksums: sha256 of each file that it names beside those, by path.
    """

    key: str
    number: int
    run: str
    attempt: str
    request: str = ""
    as_of: str
    why: tuple[str, ...] = ()
    inputs: tuple[Input, ...] = ()
    sources: tuple[SourceFile, ...] = ()
    code_version: str
    code: dict[str, str] = {}
    config: dict[str, str] = {}
    data_version: str
    content_algorithm: str
    unchanged: bool = False
    files: tuple[File, ...]
    rows: int
    rows_in: int
    mode: str = "replace"
    base: int = 0
    added: int = 0
    replaced: int = 0
    deleted: int = 0
    deleted_keys: tuple[str, ...] = ()
    deleted_file: str = ""
    marks: int = 0
    full: bool = False
    cursor: str = ""
    boundary: str = ""
    boundary_file: str = ""
    duplicates: int = 0
    quarantined: int = 0
    retry_rows: int = 0
    quarantine_file: str = ""
    bytes: int
    schema_version: int
    schema_fingerprint: str
    declared_schema: str = ""
    columns: tuple[SchemaColumn, ...] = ()
    checks: tuple[Check, ...] = ()
    usage: tuple[Usage, ...] = ()
    calls_file: str = ""
    source_calls_file: str = ""
    provenance_file: str = ""
    validation_file: str = ""
    profile: Profile | None = None
    accepted: int = 0
    corrections_file: str = ""
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_memory: int = 0
    started_at: str = ""
    log: str = ""
    host: str = ""
    release: str = ""
    workbook: File | None = None
    checksums: dict[str, str] = {}

    @property
    def every_file(self) -> tuple[File, ...]:
        """Give the files that hold its rows: those that are read, and the workbook beside them."""
        return self.files if self.workbook is None else (*self.files, self.workbook)

    @property
    def new_rows(self) -> int:
        """Give the rows that this materialization put in (older events say so by `rows` alone)."""
        return self.rows if self.mode == "replace" else self.added


class RolledBack(Event, tag="rolled_back", frozen=True, kw_only=True, gc=False):
    """Version `to.number` was made current, and held."""

    key: str
    number: int
    reason: str = ""
    to: Materialized


class Released(Event, tag="released", frozen=True, kw_only=True, gc=False):
    """The hold was lifted; current stays as it was until something newer is made."""

    key: str
    number: int
    reason: str = ""


class Pruned(Event, tag="pruned", frozen=True, kw_only=True, gc=False):
    """The bytes of these versions ended; their record stays."""

    key: str
    number: int
    versions: tuple[int, ...]
    files: tuple[str, ...]
    bytes: int = 0


class Attempted(Event, tag="attempted", frozen=True, kw_only=True, gc=False):
    """An attempt that published nothing. state: failed or blocked.

    identity: digest of code, config and inputs, so that the plan knows what not to try again.
    after: the number the asset's stream had reached: the attempt is newer than that version.
    full: it was to begin anew, whatever the version before holds.
    peak_memory, memory_limit (bytes, 0 = not known), step (the last one reached), signal: of an
    attempt whose process was killed or died. checksums: sha256 of each file that it names.
    """

    key: str
    number: int
    after: int
    run: str
    attempt: str
    state: str
    identity: str
    error_type: str
    error: str
    fix: str = ""
    facts: dict[str, str] = {}
    checks: tuple[Check, ...] = ()
    rows: int = 0
    quarantined: int = 0
    quarantine_file: str = ""
    usage: tuple[Usage, ...] = ()
    calls_file: str = ""
    source_calls_file: str = ""
    validation_file: str = ""
    seconds: float = 0.0
    log: str = ""
    host: str = ""
    full: bool = False
    peak_memory: int = 0
    memory_limit: int = 0
    step: str = ""
    signal: str = ""
    checksums: dict[str, str] = {}


class DeclaredAsset(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """An asset as declared, and the state that the plan gave it."""

    key: str
    layer: str
    description: str = ""
    file: str = ""
    line: int = 0
    upstream: tuple[str, ...] = ()
    owner: str = ""
    tags: tuple[str, ...] = ()
    schedule: str = ""
    task: str = ""
    sources: tuple[str, ...] = ()
    code_version: str = ""
    schema_fingerprint: str = ""
    renamed_from: str = ""
    error: str = ""


class AssetState(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The plan's answer for one asset at one moment. due: when it is to be made next, if ever."""

    key: str
    state: str
    reasons: tuple[str, ...] = ()
    held: int = 0
    due: str = ""


class Declared(Event, tag="declared", frozen=True, kw_only=True, gc=False):
    """The declared graph changed: these assets are new or different, those are gone."""

    number: int
    assets: tuple[DeclaredAsset, ...] = ()
    removed: tuple[str, ...] = ()


class Planned(Event, tag="planned", frozen=True, kw_only=True, gc=False):
    """The plan's answer changed: these assets have a new state."""

    number: int
    states: tuple[AssetState, ...] = ()


class RunStarted(Event, tag="run_started", frozen=True, kw_only=True, gc=False):
    """Airflow or the command line started a run. trigger: cli, airflow, scheduled, ..."""

    number: int
    run: str
    trigger: str
    select: tuple[str, ...] = ()
    planned: int = 0


class RunFinished(Event, tag="run_finished", frozen=True, kw_only=True, gc=False):
    """A run ended. state: done, failed."""

    number: int
    run: str
    state: str
    made: int = 0
    unchanged: int = 0
    fresh: int = 0
    failed: int = 0


class Reviewed(Event, tag="reviewed", frozen=True, kw_only=True, gc=False):
    """Somebody looked at rows of a version and said of each whether it is right: one session.

    `number` counts in a stream of its own, `<key>/reviews`. rows, good, bad: of this session.
    reviewed_rows, right_rows: of this version so far, each row by its latest verdict; accuracy:
    the share of them that is right; low, high: its 95 % Wilson interval. file: the verdicts.
    """

    key: str
    number: int
    version: int
    reviewer: str
    rows: int
    good: int
    bad: int
    reviewed_rows: int
    right_rows: int
    accuracy: float
    low: float
    high: float
    file: str
    checksums: dict[str, str] = {}


class Discarded(Event, tag="discarded", frozen=True, kw_only=True, gc=False):
    """Somebody decided that rows in quarantine are not wanted; they stay in their file.

    `number` counts in a stream of its own, `<key>/quarantine`. rows: their ids, which follow from
    their content: the same row set aside again is not asked about again. file: where they lie.
    """

    key: str
    number: int
    rows: tuple[str, ...]
    file: str
    reason: str = ""


class OpenAlert(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A condition that people are told of while it lasts. id: of kind, key and cause.

    kind: failed, blocked, threshold, overdue, budget or damaged. to: the connections that are
    to be told; pending: those that were not reached yet. since: when it was found.
    """

    id: str
    kind: str
    key: str
    cause: str
    title: str
    text: str
    since: str
    to: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()


class Finding(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Something that is not what was recorded. path: of a file, or an event's place.

    kind: what it is (event, version, current, or the file's folder); found: missing or corrupted.
    bytes, mtime_ns, ctime_ns: of the damaged file, to know it again. since: when it was found.
    """

    path: str
    kind: str
    key: str
    found: str
    since: str
    version: int = 0
    detail: str = ""
    bytes: int = 0
    mtime_ns: int = 0
    ctime_ns: int = 0


class Verified(Event, tag="verified", frozen=True, kw_only=True, gc=False):
    """Bytes were read again and compared with the record.

    `number` counts in the stream `_verified`. events, files, bytes: what was read; total_files,
    total_bytes: what there is. oldest: when the file was read that was not read for longest
    ("" = some never). opened, closed: what changed; open: what is wrong after it; accepted: paths
    whose loss people accepted.
    """

    number: int
    events: int = 0
    files: int = 0
    bytes: int = 0
    total_files: int = 0
    total_bytes: int = 0
    oldest: str = ""
    opened: tuple[str, ...] = ()
    closed: tuple[Finding, ...] = ()
    open: tuple[Finding, ...] = ()
    accepted: tuple[str, ...] = ()


class Lost(Event, tag="lost", frozen=True, kw_only=True, gc=False):
    """Stands where an event was lost, so that the stream goes on. reason: what was found.

    stands_for: the checksum of the lost event, as its successor or the store's note knew it.
    """

    number: int
    stream: str
    key: str = ""
    stands_for: str = ""
    reason: str = ""


class Alerted(Event, tag="alerted", frozen=True, kw_only=True, gc=False):
    """Alerts began, ended, or were delivered; `open` are those that are open after it.

    `number` counts in the stream `_alerts`. undelivered: why connections were not reached.
    """

    number: int
    opened: tuple[str, ...] = ()
    closed: tuple[OpenAlert, ...] = ()
    delivered: tuple[str, ...] = ()
    undelivered: tuple[str, ...] = ()
    open: tuple[OpenAlert, ...] = ()


AnyEvent = (
    Materialized
    | RolledBack
    | Released
    | Pruned
    | Attempted
    | Reviewed
    | Discarded
    | Declared
    | Planned
    | RunStarted
    | RunFinished
    | Alerted
    | Verified
    | Lost
)
"""Any event; `kind` tells which."""

KINDS: Final = frozenset(str(kind.__struct_config__.tag) for kind in get_args(AnyEvent))
"""The kinds of events that this release knows."""
_DECODER: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


def decode(text: bytes) -> AnyEvent:
    """Read one event from JSON; raises msgspec.DecodeError or ValidationError with the field."""
    return _DECODER.decode(text)


def encode(event: AnyEvent) -> bytes:
    """Write one event as JSON, one readable document."""
    return msgspec.json.format(msgspec.json.encode(event), indent=1)
