"""A script for the user's own interpreter, where Prefect's client is; flowctl itself never imports this.

python -c SOURCE describe FILE[:FLOW]   prints what the flows of a file are, as JSON
python -c SOURCE hooks crashed|cancellation ENTRYPOINT RUN_ID   calls the hooks of a run whose process is gone
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

_PARTS: dict[str, str] = {"crashed": "on_crashed_hooks", "cancellation": "on_cancellation_hooks"}


def _prefect(module: str) -> Any:
    return importlib.import_module(f"prefect.{module}")


def _facts(flow: Any, path: str) -> dict[str, Any]:
    schema = _prefect("utilities.callables").parameter_schema(flow.fn)
    return {
        "name": flow.name,
        "entrypoint": f"{path}:{flow.fn.__qualname__}",
        "description": flow.description,
        "version": flow.version,
        "parameter_openapi_schema": schema.model_dump(mode="json"),
    }


def _entry(path: str, attribute: str, flow: Any) -> dict[str, Any]:
    """The flow as it is reached in this file: its function may be of another."""
    return {**_facts(flow, path), "entrypoint": f"{path}:{attribute}"}


def _flows(module: Any, flow_type: type[Any]) -> dict[str, Any]:
    names: dict[str, Any] = module.__dict__
    return {name: value for name, value in names.items() if isinstance(value, flow_type)}


def describe(entrypoint: str) -> dict[str, Any]:
    """The flow of an entrypoint, and all flows that its file can see: its own and those it imports."""
    path, colon, attribute = entrypoint.rpartition(":")
    path = path if colon else entrypoint
    module: Any = _prefect("utilities.importtools").load_script_as_module(path)
    flow_type = _prefect("flows").Flow
    seen = _flows(module, flow_type)
    chosen: Any = None
    if colon:
        chosen = module
        for name in attribute.split("."):
            chosen = getattr(chosen, name, None)
    found = _entry(path, attribute, chosen) if isinstance(chosen, flow_type) else None
    return {"flow": found, "flows": [_entry(path, name, flow) for name, flow in seen.items()]}


def call_hooks(kind: str, entrypoint: str, run_id: str) -> dict[str, Any]:
    """Call the hooks, as the client would have done; an error in one does not keep the next from being called."""
    flow = _prefect("flows").load_flow_from_entrypoint(entrypoint)
    hooks: list[Callable[..., Any]] = getattr(flow, _PARTS[kind], None) or []
    if hooks:
        with _prefect("client.orchestration").get_client(sync_client=True) as client:
            run = client.read_flow_run(run_id)
        for hook in hooks:
            try:
                result = hook(flow, run, run.state)
                if inspect.isawaitable(result):
                    asyncio.run(_awaited(result))
            except Exception:
                traceback.print_exc()
    return {"called": len(hooks)}


async def _awaited(value: Any) -> Any:
    return await value


def main(arguments: list[str]) -> None:
    """Do one of both; what the user's code prints goes to standard error."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
        os.dup2(2, 1)
        try:
            command, *rest = arguments
            result = describe(*rest) if command == "describe" else call_hooks(*rest)
        except BaseException as error:
            traceback.print_exc()
            cause = error.__cause__ or error
            result = {"error": f"{type(cause).__name__}: {cause}"}
        json.dump(result, out)


if __name__ == "__main__":
    main(sys.argv[1:])
