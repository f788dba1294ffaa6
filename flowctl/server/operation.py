"""Operation: one route as an ASGI application.  Reads the request, calls the handler, writes the answer."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from types import GeneratorType
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import parse_qsl
from uuid import UUID

from flowctl import wire
from flowctl.domain.errors import Invalid
from flowctl.server.answers import JSON, Answer, header
from flowctl.server.call import Call, Context, parse_api_version
from flowctl.server.endpoint import Parameter, Reply, Route
from flowctl.server.errors import answer_to
from flowctl.server.gateway import first_step

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from flowctl.db.database import Tx
    from flowctl.ops.steps import Steps

Dependency = Callable[[Call], AbstractAsyncContextManager[object] | None]
"""Something that each operation of the API needs.  It may refuse a call by raising one of flowctl's errors; a context
manager that it returns is left after the operation's commit and before its answer is sent."""

MAXIMUM_BODY: Final = 64 * 1024 * 1024
"""Bytes; a longer body is refused before it fills the memory."""


class ClientGone(Exception):
    """The client closed the connection before its request was complete."""


class TooLarge(Exception):
    """The body is longer than MAXIMUM_BODY."""


class Operation:
    """Serves one route; the path's parts are in `scope["path_params"]`."""

    def __init__(self, route: Route, context: Context, dependencies: Sequence[Dependency] = ()) -> None:
        self.route = route
        self._context = context
        self._dependencies = tuple(dependencies)
        self._signature = route.signature
        self._status = route.default_status

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw = b""
        try:
            if self.route.checks_version and (version := header(scope, b"x-prefect-api-version")):
                parse_api_version(version)
            if self._signature.body is not None:
                raw = await read_body(receive)
            answer = await self._answer(scope, raw)
        except ClientGone:
            return
        except TooLarge:
            answer = too_large()
        except Exception as error:
            echo = self._echo(scope, raw) if isinstance(error, Invalid) else None
            answer = answer_to(error, request_body=echo, not_found_key=self.route.not_found_key)
        self._context.tally.requests[self.route.method, self.route.path, answer.status] += 1
        await answer.send(scope, send)

    async def _answer(self, scope: Scope, raw: bytes) -> Answer:
        call = Call(scope, self._context)
        if not self._dependencies:
            return await self._run(scope, call, self._arguments(scope, raw, call))
        async with AsyncExitStack() as stack:
            for dependency in self._dependencies:
                manager = dependency(call)
                if manager is not None:
                    await stack.enter_async_context(manager)
            answer = await self._run(scope, call, self._arguments(scope, raw, call))
        return answer

    async def _run(self, scope: Scope, call: Call, arguments: dict[str, Any]) -> Answer:
        handler, gateway = self.route.handler, self._context.gateway
        if self.route.kind == "read":

            def read(tx: Tx) -> Answer:
                return self._render(handler(tx, **arguments)).compress_for(scope)

            return await gateway.read(read, quick=self.route.quick)
        if self.route.kind == "write":

            def write(tx: Tx) -> tuple[Any, Any]:
                result = handler(tx, **arguments)
                return first_step(cast("Steps[Any]", result)) if isinstance(result, GeneratorType) else (None, result)

            steps, result = await gateway.write(write)
            if steps is not None:
                result = await gateway.finish(steps, result)
            return self._render(result)
        result = handler(**arguments)
        return self._render(await result if inspect.isawaitable(result) else result)

    def _render(self, result: object) -> Answer:
        if isinstance(result, Answer):  # it writes itself, such as a stream
            return result
        status, headers = self._status, None
        if isinstance(result, Reply):
            reply = cast("Reply[Any]", result)
            status, headers = reply.status or status, reply.headers
            if reply.media_type is not None:
                return Answer(reply.value, status, media_type=reply.media_type, headers=headers)
            result = reply.value
        if status == 204:
            return Answer(status=status, headers=headers)
        return Answer.json(result, status, headers=headers)

    def _echo(self, scope: Scope, raw: bytes) -> object:
        """What was sent, for the 422 that repeats it: parsed if it is JSON, else as text."""
        if not raw or self._signature.body is None:
            return None
        if not _is_json(scope):
            return raw.decode(errors="replace")
        return wire.adapter(self._signature.body.hint).prepared(wire.parse_or_text(raw))

    def _arguments(self, scope: Scope, raw: bytes, call: Call) -> dict[str, Any]:
        """The handler's arguments by name.  Raises Invalid with the entries of all that do not fit."""
        signature = self._signature
        arguments: dict[str, Any] = {}
        entries: list[dict[str, Any]] = []
        for parameter in signature.path:
            text = scope["path_params"][parameter.name]
            arguments[parameter.name] = UUID(text) if parameter.hint is UUID else text
            if parameter.hint not in (UUID, str):
                _convert(arguments, entries, parameter, text, "path")
        if signature.query:
            _read_query(arguments, entries, signature.query, scope["query_string"])
        if signature.body is not None:
            _read_body_into(arguments, entries, signature.body, scope, raw)
        if entries:
            raise Invalid(wire.INVALID_REQUEST, entries=entries)
        if signature.wants_call:
            arguments["call"] = call
        return arguments


async def read_body(receive: Receive) -> bytes:
    """The whole body.  Raises ClientGone and TooLarge."""
    chunks: list[bytes] = []
    length = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk: bytes = message.get("body", b"")
        length += len(chunk)
        if length > MAXIMUM_BODY:
            raise TooLarge
        if not message.get("more_body", False):
            return b"".join((*chunks, chunk)) if chunks else chunk
        chunks.append(chunk)


def too_large() -> Answer:
    """The answer to a body that is too long."""
    return Answer.json({"detail": f"The body is longer than {MAXIMUM_BODY} bytes."}, 413)


def _read_query(
    arguments: dict[str, Any], entries: list[dict[str, Any]], parameters: Sequence[Parameter], query_string: bytes
) -> None:
    given: dict[str, list[str]] = {}
    for key, text in parse_qsl(query_string.decode("latin-1"), keep_blank_values=True):
        given.setdefault(key, []).append(text)
    for parameter in parameters:
        # `page_token` is spelt `page-token` in the one place where Prefect's API has such a name
        values = given.get(parameter.name) or given.get(parameter.name.replace("_", "-"))
        if values:
            _convert(arguments, entries, parameter, values if parameter.is_list else values[-1], "query")
        elif parameter.required:
            entries.append(_missing("query", parameter.name))


def _convert(
    arguments: dict[str, Any], entries: list[dict[str, Any]], parameter: Parameter, value: object, place: str
) -> None:
    try:
        arguments[parameter.name] = wire.adapter(parameter.hint).validate(value, (place, parameter.name))
    except Invalid as error:
        entries += error.entries


def _read_body_into(
    arguments: dict[str, Any], entries: list[dict[str, Any]], body: Parameter, scope: Scope, raw: bytes
) -> None:
    adapter = wire.adapter(body.hint)
    try:
        if not _is_json(scope):
            if raw or body.required:
                arguments[body.name] = adapter.validate(raw.decode(errors="replace"))
        elif raw and raw.strip() != b"null":
            arguments[body.name] = adapter.loads(raw)
        elif adapter.may_be_left_out:
            arguments[body.name] = adapter.validate({})
        elif body.required:
            entries.append(_missing("body"))
    except Invalid as error:
        entries += error.entries


def _is_json(scope: Scope) -> bool:
    """Whether the body is to be read as JSON: it says so, or it says nothing (older clients)."""
    content_type = header(scope, b"content-type")
    if not content_type:
        return True
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == JSON or (media_type.startswith("application/") and media_type.endswith("+json"))


def _missing(*loc: str) -> dict[str, Any]:
    return {"type": "missing", "loc": [*loc], "msg": "Field required", "input": None}
