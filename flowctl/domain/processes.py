"""Processes that execute flow runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process, known so well that no later one can be taken for it.

    machine  where its number counts: the machine, or a container on it
    stamp    when it was started, to the tick of the machine's clock, and since which boot
    started  the same as a time
    """

    machine: str
    pid: int
    stamp: str
    started: datetime
