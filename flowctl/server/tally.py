"""What a server counts while it works, for `/metrics`: plain numbers, so that counting costs next to nothing."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field

COMMIT_BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Upper bounds in seconds of the classes that commits are counted in."""


@dataclass(slots=True)
class Tally:
    """Requests and sockets of one application, counted on its event loop."""

    requests: Counter[tuple[str, str, int]] = field(default_factory=Counter[tuple[str, str, int]])
    """By method, path with its parts in braces, and status."""
    sockets: Counter[str] = field(default_factory=Counter[str])
    """Open websockets by path."""


@dataclass(slots=True)
class WriterTally:
    """Commits of one writer, counted on its thread."""

    writes: int = 0
    failures: int = 0
    """Groups of writes that could not be begun or committed."""
    seconds: float = 0.0
    commits: list[int] = field(default_factory=lambda: [0] * (len(COMMIT_BOUNDS) + 1))
    """One number for each class, and one for those beyond."""

    def commit(self, seconds: float, writes: int) -> None:
        """Count a commit and the writes in it."""
        self.commits[bisect_left(COMMIT_BOUNDS, seconds)] += 1
        self.seconds += seconds
        self.writes += writes
