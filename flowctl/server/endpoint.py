"""Routes: turn typed functions into endpoints.

    routes = Routes("/variables", tag="Variables")

    @routes.write("POST", "/", status=201)
    def create_variable(tx: Tx, body: VariableCreate) -> Variable: ...

A signature is read once, when the application is made: a parameter named like a path part is converted to its
annotation (a bad UUID is a 404), `body` is the JSON body, `call` the rest of the request, any other one a query
parameter.  The return annotation is the shape of the answer; None means 204.  Handlers already hold a transaction and
never await.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass, field
from types import NoneType
from typing import Any, Generic, Literal, TypeVar, get_args, get_origin, get_type_hints

from flowctl.server.answers import Answer
from flowctl.server.call import Call

__all__ = ["Call", "Handler", "Reply", "Route", "Routes", "Signature"]

T = TypeVar("T")
Handler = Callable[..., Any]
H = TypeVar("H", bound=Handler)
Kind = Literal["read", "write", "plain"]

PARAMETER = re.compile(r"\{(\w+)\}")


class Reply(Generic[T]):
    """An answer whose status or headers depend on the outcome."""

    __slots__ = ("headers", "media_type", "status", "value")

    def __init__(self, value: T, *, status: int | None = None, headers: Mapping[str, str] | None = None) -> None:
        self.value = value
        self.status = status
        self.headers = headers
        self.media_type: str | None = None

    @classmethod
    def json(cls, value: object, *, status: int, headers: Mapping[str, str] | None = None) -> Reply[Any]:
        """JSON of another shape than the annotated one: a refusal with a status of its own."""
        return Reply[Any](value, status=status, headers=headers)

    @classmethod
    def raw(
        cls, body: bytes | str, *, media_type: str, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> Reply[Any]:
        """A body that is not JSON: plain text, CSV, HTML."""
        reply = Reply[Any](body.encode() if isinstance(body, str) else body, status=status, headers=headers)
        reply.media_type = media_type
        return reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of a handler that comes from the path or the query."""

    name: str
    hint: Any
    required: bool
    is_list: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a handler takes and gives."""

    path: tuple[Parameter, ...]
    query: tuple[Parameter, ...]
    body: Parameter | None
    wants_call: bool
    answer: Any
    """The shape of the answer; NoneType: nothing."""
    is_reply: bool


@dataclass(slots=True, kw_only=True)
class Route:
    """One operation: its method, path, handler, and how it is run."""

    method: str
    path: str
    tag: str
    handler: Handler
    kind: Kind
    status: int | None
    quick: bool = False
    not_found_key: str = "detail"
    checks_version: bool = True
    listed: bool = True
    """Whether the OpenAPI document shows it."""
    _signature: Signature | None = field(default=None, repr=False)

    @property
    def methods(self) -> set[str]:
        """The method, as Starlette's routes have them."""
        return {self.method}

    @property
    def name(self) -> str:
        """The handler's name."""
        return self.handler.__name__

    @property
    def signature(self) -> Signature:
        """What the handler takes and gives, read at the first call."""
        if self._signature is None:
            self._signature = _read_signature(self.handler, set(PARAMETER.findall(self.path)), self.kind)
        return self._signature

    @property
    def default_status(self) -> int:
        """The status of an answer that does not name one."""
        if self.status is not None:
            return self.status
        return 204 if self.signature.answer is NoneType and not self.signature.is_reply else 200


class Routes:
    """The routes of one resource, under one prefix; several modules may share a prefix."""

    def __init__(self, prefix: str, *, tag: str = "") -> None:
        self.prefix = prefix
        self.tag = tag
        self.routes: list[Route] = []

    def read(
        self, method: str, path: str, *, status: int | None = None, quick: bool = False, not_found_key: str = "detail"
    ) -> Callable[[H], H]:
        """Register a handler that reads: it gets a snapshot that writers never block.

        quick          run on the event loop itself: for reads by primary key, which cost less than a thread's hop
        not_found_key  "exception_message" where Prefect's 404 has that key instead of "detail"
        """
        return self._add(method, path, "read", status=status, quick=quick, not_found_key=not_found_key)

    def write(
        self, method: str, path: str, *, status: int | None = None, not_found_key: str = "detail"
    ) -> Callable[[H], H]:
        """Register a handler that writes: it queues for the one writer, and its answer leaves after the commit.

        A handler that returns `Steps` is run to its end, each step in a transaction of its own.
        """
        return self._add(method, path, "write", status=status, not_found_key=not_found_key)

    def plain(self, method: str, path: str, *, status: int | None = None, listed: bool = True) -> Callable[[H], H]:
        """Register a handler without a transaction; it runs on the event loop (and may be async)."""
        return self._add(method, path, "plain", status=status, listed=listed)

    def _add(self, method: str, path: str, kind: Kind, **options: Any) -> Callable[[H], H]:
        def register(handler: H) -> H:
            route = Route(method=method, path=self.prefix + path, tag=self.tag, handler=handler, kind=kind, **options)
            self.routes.append(route)
            return handler

        return register


def _read_signature(handler: Handler, path_names: set[str], kind: Kind) -> Signature:
    hints = get_type_hints(handler, include_extras=True)
    path: list[Parameter] = []
    query: list[Parameter] = []
    body: Parameter | None = None
    parameters = inspect.signature(handler).parameters
    if missing := path_names - set(parameters):
        raise TypeError(f"{handler.__name__} has no parameter for the path's {', '.join(sorted(missing))}")
    if ("tx" in parameters) == (kind == "plain"):
        raise TypeError(f"{handler.__name__}: a read or a write takes `tx`, a plain handler does not")
    for name, parameter in parameters.items():
        if name in ("tx", "call"):
            continue
        hint = hints[name]
        found = Parameter(name=name, hint=hint, required=parameter.default is parameter.empty, is_list=_is_list(hint))
        if name in path_names:
            path.append(found)
        elif name == "body":
            body = found
        else:
            query.append(found)
    answer, is_reply = _answer_of(hints.get("return", Any))
    return Signature(
        path=tuple(path),
        query=tuple(query),
        body=body,
        wants_call="call" in parameters,
        answer=answer,
        is_reply=is_reply,
    )


def _answer_of(hint: Any) -> tuple[Any, bool]:
    """The shape inside `Reply[…]`, `Steps[…]` or an awaitable; and whether it is in a Reply."""
    origin = get_origin(hint)
    if origin is Generator:
        return _answer_of(get_args(hint)[2])
    if isinstance(origin, type) and issubclass(origin, Awaitable):
        return _answer_of(get_args(hint)[-1])
    if origin is Reply:
        return get_args(hint)[0], True
    return (Any, True) if _writes_itself(hint) else (hint, False)


def _writes_itself(hint: Any) -> bool:
    return hint is Reply or (isinstance(hint, type) and issubclass(hint, Answer))


def _is_list(hint: Any) -> bool:
    if get_origin(hint) is list:
        return True
    return any(get_origin(arm) is list for arm in get_args(hint))
