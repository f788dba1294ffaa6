"""A progress bar for work that takes more than a second."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

PATIENCE_SECONDS = 1.0


@contextmanager
def bar(what: str, total: int, *, shown: bool) -> Generator[Callable[[int], None]]:
    """Give a function that tells how much more is done; the bar appears once the work has taken a while."""
    if not shown:
        yield lambda _amount: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    progress = Progress(*columns, console=Console(stderr=True), transient=True)
    task = progress.add_task(what, total=total)
    started = time.monotonic()

    def advance(amount: int) -> None:
        progress.advance(task, amount)
        if time.monotonic() - started > PATIENCE_SECONDS:
            progress.start()

    try:
        yield advance
    finally:
        progress.stop()
