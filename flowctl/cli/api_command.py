"""`flowctl api METHOD PATH`: one request to the API, on the database file or a server, and its answer as it came."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast
from urllib.parse import urlencode

import typer

from flowctl.cli import completion
from flowctl.cli.context import Session
from flowctl.domain.errors import Invalid

if TYPE_CHECKING:
    from flowctl.cli.api.door import Answer

EXAMPLES = """
flowctl api GET /flows/6f1c2f5e-0b1e-4a57-9a55-1f6a4b0c0e55
flowctl api POST /flow_runs/filter -f limit=5 -f 'flow_runs.state.type.any_=["FAILED"]' --fields id,name
flowctl api POST /flow_runs/filter --paginate -o jsonl
flowctl api POST /flows/ -d '{"name": "etl"}'
flowctl api PATCH /deployments/6f1c2f5e-0b1e-4a57-9a55-1f6a4b0c0e55 -d @deployment.json
"""

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
_IN_QUERY = ("GET", "HEAD", "DELETE")
_PAGE = 200


def api(
    ctx: typer.Context,
    method: Annotated[str, typer.Argument(metavar="METHOD", autocompletion=completion.methods)],
    path: Annotated[str, typer.Argument(metavar="PATH")],
    data: Annotated[
        str | None, typer.Option("--data", "-d", metavar="JSON", help="The body; @FILE reads a file, - standard input.")
    ] = None,
    fields: Annotated[
        list[str] | None,
        typer.Option(
            "--field",
            "-f",
            metavar="K=V",
            help="A key of the body, or of the query for GET; V is JSON or text, outer.inner=V reaches inside.",
        ),
    ] = None,
    headers: Annotated[
        list[str] | None, typer.Option("--header", "-H", metavar="NAME: VALUE", help="A header of the request.")
    ] = None,
    paginate: Annotated[
        bool, typer.Option("--paginate", help="Ask a …/filter for page after page, and print one list.")
    ] = False,
    include: Annotated[
        bool, typer.Option("--include", "-i", help="Print status and headers of the answer before it.")
    ] = False,
) -> None:
    """Send one request to the API, and print its answer: indented on a terminal, as it came in a pipe.

    PATH is below the API's root, with or without /api.  An answer that is an error is printed too, and its status
    decides the exit code: 3 for 404, 2 for 422, 8 for 401.
    """
    session = Session.of(ctx)
    method, path = _method(method), _path(path)
    query, body = _content(method, data, fields)
    if query:
        path += ("&" if "?" in path else "?") + urlencode(query, doseq=True)
    if session.options.dry_run:
        target = session.api_url or f"the API on {session.database_path}"
        session.output.note(f"would send {method} {path} to {target}")
        if body is not None:
            session.output.lines([json.dumps(body)])
        return
    own = dict(_header(each) for each in headers or ())
    if paginate:
        _show(session, _all_pages(session, method, path, body, own))
        return
    content = None if body is None else json.dumps(body, separators=(",", ":")).encode()
    answer = session.api.request(method, path, content, own)
    if include:
        _show_head(session, answer)
    _print(session, answer)
    if answer.status >= 400:
        _fail(session, answer)


def _method(text: str) -> str:
    method = text.upper()
    if method not in _METHODS:
        remedy = f"flowctl api GET {text}" if "/" in text else f"use one of {', '.join(_METHODS)}"
        raise Invalid(f"{text!r} is no method.", remedy=remedy)
    return method


def _path(text: str) -> str:
    if "://" in text:
        raise Invalid(f"{text} is a whole address.", remedy="name the server with --api, and give the path alone")
    path = "/" + text.lstrip("/")
    return path.removeprefix("/api") if path.startswith("/api/") else path


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise Invalid(f"{text!r} is no header.", remedy="write it like -H 'x-request-id: 7'")
    return name.strip().lower(), value.strip()


def _content(method: str, data: str | None, fields: list[str] | None) -> tuple[dict[str, Any], Any]:
    """What goes into the query, and the body."""
    from flowctl.cli import parameters

    given = parameters.collect(fields)
    body: Any = None if data is None else _body(data)
    if not given:
        return {}, {} if body is None and method == "POST" else body
    if data is None and method in _IN_QUERY:
        return {name: _in_query(value) for name, value in given.items()}, None
    if body is not None and not isinstance(body, dict):
        raise Invalid("Fields go into a body that is an object, and this one is none.")
    return {}, {**cast("dict[str, Any]", body or {}), **given}


def _in_query(value: Any) -> Any:
    return cast("Any", value) if isinstance(value, (str, list)) else json.dumps(value)


def _body(data: str) -> Any:
    try:
        text = sys.stdin.read() if data == "-" else Path(data[1:]).read_text("utf-8") if data[:1] == "@" else data
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{data[1:]} cannot be read: {error}") from error
    try:
        return json.loads(text)
    except ValueError as error:
        raise Invalid(f"The body is no JSON: {error}") from error


def _all_pages(session: Session, method: str, path: str, body: Any, headers: dict[str, str]) -> list[Any]:
    """All that a `…/filter` finds from the body's offset on; its limit is that of all pages together."""
    if method != "POST" or not isinstance(body, dict):
        raise Invalid("--paginate asks a …/filter, by POST.", remedy="flowctl api POST /flow_runs/filter --paginate")
    asked = cast("dict[str, Any]", body)
    offset, most = int(asked.get("offset") or 0), asked.get("limit")
    found: list[Any] = []
    while most is None or len(found) < most:
        size = _PAGE if most is None else min(_PAGE, most - len(found))
        content = json.dumps({**asked, "limit": size, "offset": offset + len(found)}).encode()
        answer = session.api.request(method, path, content, headers)
        page = answer.parsed() if answer.status < 300 and answer.is_json else None
        if not isinstance(page, list):
            _print(session, answer)
            if answer.status >= 400:
                _fail(session, answer)
            raise Invalid(f"{path} does not answer with a list of pages.", remedy="leave out --paginate")
        found += cast("list[Any]", page)
        if len(cast("list[Any]", page)) < size:
            break
    return found


def _print(session: Session, answer: Answer) -> None:
    """Print a body: JSON in the format that is asked for, all else as it came."""
    if not answer.body:
        return
    if answer.is_json:
        try:
            _show(session, answer.parsed(), raw=answer.body)
            return
        except ValueError:
            pass
    text = answer.body.decode(errors="replace")
    session.output.text(text if text.endswith("\n") else text + "\n")


def _show(session: Session, value: object, *, raw: bytes | None = None) -> None:
    from flowctl.cli import documents

    output = session.output
    objects = cast("list[Any]", value) if isinstance(value, list) else [cast("Any", value)]
    if all(isinstance(each, dict) for each in objects) and (output.wants_data or output.format == "id"):
        output.data(objects, single=not isinstance(value, list))
    elif output.wants_data or output.look.terminal:
        output.text(documents.json_text(cast("object", value)) + "\n")
    else:
        output.text((raw.decode() if raw else documents.json_line(cast("object", value))) + "\n")


def _show_head(session: Session, answer: Answer) -> None:
    from http import HTTPStatus

    phrase = HTTPStatus(answer.status).phrase if answer.status in set(HTTPStatus) else ""
    lines = [f"HTTP {answer.status} {phrase}".rstrip(), *(f"{name}: {text}" for name, text in answer.headers.items())]
    session.output.lines([*lines, ""])


def _fail(session: Session, answer: Answer) -> None:
    """Raise the error that stands for the answer's status."""
    from flowctl.cli.api.door import error_of

    error = error_of(answer, session.api.where)
    error.message += f" (HTTP {answer.status})"
    raise error
