"""One run on this machine, from its fetching to its last state: started, watched, cancelled, handed back."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias
from uuid import UUID

from flowctl.domain.errors import FlowctlError, NotFound
from flowctl.runner import flows
from flowctl.runner.client import FOREVER, Api
from flowctl.runner.control import ControlChannel, Intent
from flowctl.runner.output import LogShipper, RunOutput, console_formats
from flowctl.runner.process import RunProcess, exit_message
from flowctl.runner.watchdog import Watchdog

if TYPE_CHECKING:
    from flowctl.domain.values import JSONObject

logger = logging.getLogger("flowctl.runner")

FINAL = frozenset({"COMPLETED", "FAILED", "CRASHED", "CANCELLED"})
_ENGINE = ("-m", "prefect.engine")

Verdict: TypeAlias = Literal["cancel", "hand back"]
"""What the runner itself decided about a run."""

_INTENTS: dict[Verdict, Intent] = {"cancel": "cancel", "hand back": "reschedule"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What all runs of a runner share."""

    api: Api
    control: ControlChannel
    logs: LogShipper
    watchdog: Watchdog
    python: str | None
    """The interpreter that was given, for all runs."""
    storage: Path
    """Folder for code that is pulled."""
    grace_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """Where the code of a run is.

    entrypoint  None: the client finds it itself, by the deployment's pull steps or storage
    deployment  name of the deployment, for the client
    """

    entrypoint: str | None
    cwd: Path
    deployment: str | None = None

    @classmethod
    def of(cls, deployment: JSONObject) -> Code:
        """Where a deployment has its code, if that is on this machine."""
        path = Path(deployment.get("path") or ".").expanduser()
        pulled = deployment.get("pull_steps") or deployment.get("storage_document_id") or "$STORAGE" in str(path)
        is_here = not pulled and path.is_dir()
        return cls(
            entrypoint=deployment.get("entrypoint") if is_here else None,
            cwd=(path if is_here else Path()).absolute(),
            deployment=deployment.get("name"),
        )


class Execution:
    """The execution of one run."""

    def __init__(self, machine: Machine, run: JSONObject, code: Code) -> None:
        self.id = UUID(run["id"])
        self.name = str(run["name"])
        self.process: RunProcess | None = None
        self._machine = machine
        self._api = machine.api
        self._code = code
        self._verdict: Verdict | None = None
        self._ending = asyncio.Lock()
        self._environment: dict[str, str] = {}
        self._python = Path()

    async def run(self) -> None:
        """Take the run, execute it, and see that it ends in a state that says how."""
        try:
            pending = await self._api.set_state(self.id, {"type": "PENDING", "name": "Pending"})
            if not pending.is_new and self._verdict != "cancel":
                logger.info("%s was not started: %s", self.name, pending.reason or pending.state_type)
                return
            code = await self._execute() if self._verdict is None else None
            async with self._ending:  # whoever stops it is through with that
                await self._conclude(code)
        except NotFound:
            logger.info("%s was deleted", self.name)
        except FlowctlError as error:
            logger.warning("%s: %s", self.name, error)
        finally:
            self._machine.control.forget(self.id)

    async def cancel(self) -> None:
        """End the run's processes; its state becomes Cancelled."""
        await self._stop("cancel", self._machine.grace_seconds)

    async def hand_back(self) -> None:
        """End the run's processes; it is scheduled again, for any runner."""
        await self._stop("hand back", self._machine.grace_seconds)

    async def kill(self) -> None:
        """End the run's processes at once, and leave its state to others."""
        if self.process is not None:
            await self.process.kill()

    async def _stop(self, verdict: Verdict, grace_seconds: float) -> None:
        async with self._ending:
            if self._verdict is not None:
                return
            self._verdict = verdict
            if self.process is None or not self.process.is_running:
                return
            logger.info("%s: %s, ending process %d", self.name, verdict, self.process.pid)
            if await self._machine.control.tell(self.id, _INTENTS[verdict]) or verdict == "cancel":
                await self.process.stop(grace_seconds)
            else:
                await self.process.kill()  # unaware of what is meant, it would report a crash

    async def _execute(self) -> int:
        """Start the process and wait for its end; the exit code.  Raises FlowctlError when it cannot be started."""
        try:
            self._python = flows.interpreter(self._machine.python, self._script)
            self._environment = self._variables()
            self.process = RunProcess.start(
                self.id,
                [str(self._python), *_ENGINE],
                env=self._environment,
                cwd=self._code.cwd,
                watchdog=self._machine.watchdog,
                on_line=RunOutput(self._machine.logs, self.id, self.name).line,
            )
        except (OSError, FlowctlError) as error:
            await self._crash(f"Flow run could not start: {error}")
            raise FlowctlError(f"could not start: {error}") from error
        logger.info("%s: process %d in %s", self.name, self.process.pid, self._code.cwd)
        await self._note_process(f"{socket.gethostname()}:{self.process.pid}")
        return await self.process.wait()

    @property
    def _script(self) -> Path | None:
        script = flows.script_of(self._code.entrypoint)
        return script and self._code.cwd / script

    def _variables(self) -> dict[str, str]:
        own: dict[str, str | None] = {
            "PREFECT__FLOW_RUN_ID": str(self.id),
            "PREFECT__FLOW_ENTRYPOINT": self._code.entrypoint,
            "PREFECT__DEPLOYMENT_NAME": self._code.deployment,
            "PREFECT__STORAGE_BASE_PATH": str(self._machine.storage),
            "PYTHONUNBUFFERED": "1",
            **console_formats(os.environ),
            **self._api.environment,
            **self._machine.control.expect(self.id),
        }
        return {**_inherited(os.environ), **{name: value for name, value in own.items() if value is not None}}

    async def _note_process(self, process: str | None) -> None:
        await self._api.call("PATCH", f"/flow_runs/{self.id}", {"infrastructure_pid": process}, patience=30)

    async def _conclude(self, code: int | None) -> None:
        """Give the run its last state, if its own process did not."""
        run: JSONObject = await self._api.call("GET", f"/flow_runs/{self.id}", patience=FOREVER)
        state: JSONObject = run.get("state") or {}
        type_ = str(state.get("type"))
        if self._verdict == "cancel" or (type_ == "CANCELLING" and code != 0):
            await self._conclude_cancellation(type_)
        elif self._verdict == "hand back" and type_ in {"PENDING", "RUNNING"}:
            await self._conclude_return()
        elif code and type_ not in FINAL:
            await self._crash(exit_message(code))
            await self._call_hooks("crashed")
        elif code == 0 and type_ == "RUNNING":
            await self._crash(exit_message(code))
        else:
            logger.info("%s ended as %s", self.name, state.get("name"))

    async def _conclude_cancellation(self, type_: str) -> None:
        if type_ in {"COMPLETED", "FAILED"}:
            logger.info("%s had already ended as %s when it was to be cancelled", self.name, type_.title())
        elif type_ != "CANCELLED":  # a client that did not know why it was ended reports a crash
            if self.process is not None:
                await self._call_hooks("cancellation")
            how = "by its runner" if self.process else "before it started"
            state = {"type": "CANCELLED", "name": "Cancelled", "message": f"Flow run was cancelled {how}."}
            await self._api.set_state(self.id, state, force=True)
        logger.info("%s is cancelled", self.name)

    async def _conclude_return(self) -> None:
        await self._note_process(None)
        answer = await self._api.set_state(
            self.id,
            {
                "type": "SCHEDULED",
                "name": "AwaitingRetry",
                "message": "Handed back by a runner that was stopped.",
                "state_details": {"scheduled_time": datetime.now(UTC)},
            },
        )
        logger.info("%s %s", self.name, "is handed back" if answer.is_new else f"stays as it is: {answer.reason}")

    async def _crash(self, message: str) -> None:
        answer = await self._api.set_state(self.id, {"type": "CRASHED", "name": "Crashed", "message": message})
        logger.error("%s crashed: %s%s", self.name, message, "" if answer.is_new else f" ({answer.reason})")

    async def _call_hooks(self, kind: str) -> None:
        """Call the hooks that the dead process can no longer call."""
        if self._code.entrypoint is None:
            return
        try:
            await flows.call_hooks(
                kind, self.id, self._code.entrypoint, python=self._python, env=self._environment, cwd=self._code.cwd
            )
        except FlowctlError as error:
            logger.warning("%s: %s", self.name, error)


def _inherited(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without what belongs to one run, or to flowctl's own server."""
    return {name: value for name, value in environ.items() if not name.startswith(("PREFECT__", "FLOWCTL_"))}
