"""What can go wrong while an asset is made."""

from __future__ import annotations

from resources.errors import DataOpsError, TransientError


class AttemptFailed(DataOpsError):
    """The users' function, or the world it asked, failed; nothing was published."""


class PassingFailure(TransientError):
    """A collection failed in a way that may pass: it is tried again."""


class SchemaMismatch(DataOpsError):
    """The result does not have the declared columns."""


class CheckFailed(DataOpsError):
    """A blocking check failed; the last version stays current."""


class RowsToRetry(TransientError):
    """Too many rows failed for a passing cause; the last version stays current."""


class BlockedError(DataOpsError):
    """The same code, config and inputs were blocked before: trying again cannot help."""


class UpstreamMissing(DataOpsError):
    """What the asset is made from has no version that can be read."""


class NothingAccepted(DataOpsError):
    """None of the rows that were to be accepted holds; nothing was changed."""


class Interrupted(DataOpsError):
    """An attempt was ended from outside: by a signal, or by its host's time-out."""


class FileDamaged(DataOpsError):
    """A published file is gone or its bytes are not those that were published."""


class SourceGone(DataOpsError):
    """Files that a version was collected from are gone, so collecting it anew would lose rows."""


class LeaseHeld(TransientError):
    """Another attempt is making the asset right now."""


class Superseded(DataOpsError):
    """Another attempt or a rollback was faster; this attempt published nothing."""
