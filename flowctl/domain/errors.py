"""The whole error vocabulary of flowctl.

FlowctlError            code                 HTTP   exit
├─ Invalid              invalid              422    2      input has the wrong shape; carries entries (type, loc, msg)
├─ NotFound             not_found            404    3
├─ Conflict             conflict             409    1      name taken, stale version
├─ Forbidden            forbidden            403    8
├─ Unauthorized         unauthorized         401    8
├─ Refused              refused              400    4      the request is well-formed but cannot be done now
├─ Busy                 busy                 503    5      the writer's queue or the database lock is taken; retry
├─ Unsupported          unsupported          501    1      part of the API that flowctl does not offer
└─ Unusable             unusable             500    6      the database file cannot be used as it is

Ops raise these and nothing else; `server/errors.py` and `cli/context.py` each turn them into an answer.
"""

from __future__ import annotations

TYPE_CHECKING = False  # `typing` takes longer to load than the rest of a `flowctl runs ls` may (DESIGN.md section 9)
if TYPE_CHECKING:
    from typing import Any


class FlowctlError(Exception):
    """Something that a user did or can mend; `str(error)` is a sentence that names the thing."""

    code = "error"

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        """The next command to type, or None."""


class Invalid(FlowctlError):
    """Input has the wrong shape; `entries` are dicts with the keys type, loc, msg and input, as pydantic makes them."""

    code = "invalid"

    def __init__(self, message: str, *, entries: list[dict[str, Any]] | None = None, remedy: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.entries = entries or []


class NotFound(FlowctlError):
    """No such object, or a reference that fits several; `candidates` names those."""

    code = "not_found"

    def __init__(self, message: str, *, candidates: list[str] | None = None, remedy: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.candidates = candidates or []


class Conflict(FlowctlError):
    """A name is taken, or a referenced object is gone."""

    code = "conflict"


class Forbidden(FlowctlError):
    """The object is protected."""

    code = "forbidden"


class Unauthorized(FlowctlError):
    """Credentials are missing or wrong."""

    code = "unauthorized"


class Refused(FlowctlError):
    """The request is well-formed but cannot be done now."""

    code = "refused"


class Busy(FlowctlError):
    """The writer's queue is full or another process holds the database's lock; trying again helps."""

    code = "busy"

    def __init__(self, message: str, *, retry_after_seconds: float = 1.0, remedy: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after_seconds = retry_after_seconds


class Unsupported(FlowctlError):
    """Part of the API that flowctl does not offer."""

    code = "unsupported"


class Unusable(FlowctlError):
    """The database file cannot be used as it is: not a database, newer schema, damaged, read-only."""

    code = "unusable"


INTEGRITY = (
    "Data integrity conflict. This usually means a unique or foreign key constraint was violated. "
    "See server logs for details."
)
"""What Prefect answers to a reference to something that is gone; clients may read it."""
