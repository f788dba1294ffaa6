"""Why a run waits or has ended, in a few words: what `runs ls` shows beside a state, and the `reason` of each cause.

Starts fast: texts in, text out; `runs ls` loads this module (DESIGN.md section 9).
"""

from __future__ import annotations

from flowctl.domain.spans import age

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_CONFIRMATION = "Flow run was cancelled successfully."
"""What Prefect's client says when it has stopped a run that somebody else wanted stopped."""

RUNNER_SILENT_SECONDS = 60
"""Runners ask every ten seconds or so; one that has not asked for so long is gone (Prefect's foreman says the same)."""

WORKER_MISSES = 3
"""Heartbeats that a worker may miss before it counts as gone."""
WORKER_HEARTBEAT_SECONDS = 30
"""Between two heartbeats of a worker that does not say how often it sends them."""

PENDING_STUCK_SECONDS = 300
SOON_SECONDS = 60
"""A run that is due within this time should have somebody to take it."""

PARENT_CANCELLED = "The parent flow run was cancelled."
LIMIT_REACHED = "Deployment concurrency limit reached."

_EXCEPTION = " run encountered an exception"
"""How Prefect's client introduces the exception that made a run fail: with a colon for flows, without for tasks."""

DEPLOYMENT_PAUSED = "deployment paused"
NO_DEPLOYMENT = "no deployment to start it"
NO_RUNNER = "no runner"
NO_SERVER = "no server"
NOT_TAKEN = "not taken"
PAUSED = "paused"
SUSPENDED = "suspended"
PAUSE_EXPIRED = "pause timed out"
TIMED_OUT = "timed out"
STOPPING = "stopping"
PROCESS_ENDED = "process ended"


def no_worker(pool: str) -> str:
    """No worker serves the pool."""
    return f"no worker on pool '{pool}'"


def pool_paused(pool: str) -> str:
    """The pool is paused."""
    return f"pool '{pool}' paused"


def queue_paused(queue: str) -> str:
    """The queue is paused."""
    return f"queue '{queue}' paused"


def slot(what: str, held: float, limit: int) -> str:
    """A limit is full: `slot: tag 'db' 2/2 held`."""
    return f"slot: {what} {held:g}/{limit} held"


def retry(attempt: int, attempts: int | None, seconds: float) -> str:
    """The next attempt comes."""
    of = f"/{attempts}" if attempts else ""
    return f"retry {attempt}{of} in {age(seconds)}" if seconds > 0 else f"retry {attempt}{of}"


def pending(seconds: float) -> str:
    """Pending for too long."""
    return f"no process for {age(seconds)}"


def last_line(text: str) -> str:
    """The line of a traceback or a message that says what went wrong; the exception itself, if one is introduced."""
    line = next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")
    return line.partition(_EXCEPTION)[2].lstrip(": ") or line


def asks_for_input(fields: str | None) -> str:
    """A pause waits for values of these names."""
    return f"waits for input: {fields}" if fields else "waits for input"


def cancelled(request: str | None, message: str | None) -> str:
    """By whom, as far as the messages of the request and of the final state tell."""
    if message == PARENT_CANCELLED or request == PARENT_CANCELLED:
        return "with its parent"
    if message == LIMIT_REACHED:
        return "deployment limit reached"
    said = request or ("" if message == _CONFIRMATION else message)
    return last_line(said) if said else "by request"


def ended(state_name: str | None, message: str | None) -> str:
    """Why a run failed or crashed."""
    if state_name == "TimedOut":
        return TIMED_OUT
    if is_expired_pause(message):
        return PAUSE_EXPIRED
    return last_line(message or "")


def is_expired_pause(message: str | None) -> bool:
    """Whether a run failed because nobody resumed it in time."""
    return bool(message) and message.startswith("The flow was ") and message.endswith(" and never resumed.")


def joined(reasons: Iterable[tuple[str, bool]]) -> str:
    """Several reasons as one: those that block, if any of them does; `deployment paused, no runner`."""
    found = [(reason, blocks) for reason, blocks in reasons if reason]
    blocking = [reason for reason, blocks in found if blocks]
    return ", ".join(dict.fromkeys(blocking or [reason for reason, _ in found]))
