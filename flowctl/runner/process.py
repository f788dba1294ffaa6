"""The process of one run: started in a group of its own, read line by line, ended as a group."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Literal, TypeAlias
from uuid import UUID

from flowctl.runner.watchdog import Watchdog

Stream: TypeAlias = Literal["stdout", "stderr"]
OnLine: TypeAlias = Callable[[Stream, str], None]

LONGEST_LINE = 64 * 1024
"""Bytes; what is longer comes in pieces."""
LEFTOVER_SECONDS = 2.0
"""How long the rest of a group may outlive its leader that was told to end."""
READERS_SECONDS = 1.0
"""How long to read on after the end of a process, whose output others may still hold open."""

_EXPLANATIONS = {
    -9: "It was killed by SIGKILL: by hand, or by the system for want of memory.",
    -15: "It was ended by SIGTERM.",
    -11: "It broke off with a segmentation fault (SIGSEGV).",
    -6: "It broke off by itself (SIGABRT).",
    1: "It ended with a general error; the run's logs tell more.",
    126: "Its command is not executable.",
    127: "Its command was not found.",
    137: "It was killed by SIGKILL: by hand, or by the system for want of memory.",
    143: "It was ended by SIGTERM.",
}


def exit_message(code: int) -> str:
    """What the end of a process means, beginning as Prefect's runner says it."""
    explanation = _EXPLANATIONS.get(code)
    if explanation is None and code < 0:
        with contextlib.suppress(ValueError):
            explanation = f"It was ended by {signal.Signals(-code).name}."
    explanation = explanation or "It ended without reporting the end of the run."
    return f"Process exited with status code: {code}. {explanation}"


class RunProcess:
    """A running process; made by `start`."""

    def __init__(self, process: subprocess.Popen[bytes], watchdog: Watchdog, on_line: OnLine) -> None:
        self._process = process
        self._watchdog = watchdog
        self._on_line = on_line
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[int] = self._loop.create_future()
        self._readers = [self._reader("stdout", process.stdout), self._reader("stderr", process.stderr)]
        threading.Thread(target=self._wait, name=f"wait-{self.pid}", daemon=True).start()

    @classmethod
    def start(
        cls,
        run_id: UUID,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path | None,
        watchdog: Watchdog,
        on_line: OnLine,
    ) -> RunProcess:
        """Start the command that executes a run; its lines go to `on_line`, from threads.  Raises OSError."""
        watchdog.ready()
        process = subprocess.Popen(
            command,
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        pipes = [pipe.fileno() for pipe in (process.stdout, process.stderr) if pipe is not None]
        watchdog.add(process.pid, run_id, pipes)
        return cls(process, watchdog, on_line)

    @property
    def pid(self) -> int:
        """Number of the process, and of its group."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process itself has not ended."""
        return not self._ended.done()

    async def wait(self) -> int:
        """Wait for the end; the exit code, negative for a signal."""
        return await asyncio.shield(self._ended)

    async def stop(self, grace_seconds: float) -> None:
        """End the whole group: SIGTERM, and SIGKILL for what is left of it when the grace is over."""
        if self.is_running:
            self._send(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.wait(), grace_seconds)
        end = time.monotonic() + (LEFTOVER_SECONDS if not self.is_running else 0)
        while self._send(0) and time.monotonic() < end:
            await asyncio.sleep(0.05)
        await self.kill()

    async def kill(self) -> None:
        """End the whole group at once."""
        self._send(_KILL)
        await self.wait()

    def _send(self, number: int) -> bool:
        """Signal the group; whether it is still there."""
        try:
            if os.name == "posix":
                os.killpg(self.pid, number)
            elif number:
                self._process.terminate()
        except (ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
            return False
        return os.name == "posix" or self.is_running

    def _wait(self) -> None:
        code = self._process.wait()
        for reader in self._readers:
            reader.join(READERS_SECONDS)
        if self._send(0):
            self._watchdog.add(self.pid, None)
        else:
            self._watchdog.discard(self.pid)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._ended.set_result, code)

    def _reader(self, stream: Stream, pipe: IO[bytes] | None) -> threading.Thread:
        thread = threading.Thread(target=self._read, args=(stream, pipe), name=f"{stream}-{self.pid}", daemon=True)
        thread.start()
        return thread

    def _read(self, stream: Stream, pipe: IO[bytes] | None) -> None:
        if pipe is None:
            return
        with pipe:
            for line in iter(lambda: pipe.readline(LONGEST_LINE), b""):
                self._on_line(stream, line.decode(errors="replace").rstrip("\r\n"))


_KILL: int = getattr(signal, "SIGKILL", signal.SIGTERM)
