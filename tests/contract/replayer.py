"""Replays recorded conversations between Prefect's client and Prefect's server with another server.

A recording is JSON lines: a head, then HTTP exchanges and websocket frames in their order.  What the recorded server
made up (ids) is learnt from the live answers and put into later requests; times are moved to the present.
"""

from __future__ import annotations

import gzip
import json
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_EPOCH_TIME = re.compile(r'("\w+_(?:time|timeout|expiration)": )(\d{10}\.\d+)')
"""The client writes the times inside of a state's details as seconds since 1970."""

_FREE = frozenset(
    (
        "parameters",
        "data",
        "value",
        "labels",
        "payload",
        "context",
        "job_variables",
        "metadata_",
        "values",
        "task_inputs",
        "parameter_openapi_schema",
        "base_job_template",
        "resource",
    )
)
"""Fields whose inside is the user's, or an event's."""

_UPSERT = re.compile(r"/api/(flows|deployments|concurrency_limits|saved_searches)/")
_PATIENCE = 5.0
"""Seconds after which what another connection sent, or what an events socket owes, counts as missing."""

Exchange = dict[str, Any]


def read(path: Path) -> list[Exchange]:
    """The exchanges of a recording, without its head and without refusals for a busy database, which clients repeat."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    return [line for line in lines if line["kind"] != "meta" and line.get("status") != 503]


@dataclass
class Difference:
    """An exchange that went otherwise than recorded."""

    seq: int
    what: str

    def __str__(self) -> str:
        return f"{self.seq}: {self.what}"


@dataclass
class Replayer:
    """Talks to one server; several recordings may follow each other, as they did when they were made."""

    base: str
    ids: dict[str, str] = field(default_factory=dict[str, str])
    """Recorded id -> live id."""
    _shift: timedelta = timedelta(0)
    _sockets: dict[int, ClientConnection] = field(default_factory=dict[int, ClientConnection])
    _open_sockets: ExitStack = field(default_factory=ExitStack)
    _owed: dict[int, list[Any]] = field(default_factory=dict[int, list[Any]])
    """Events that a socket has been sent in the recording and is to have received until it is closed."""
    _deployments: dict[str, str] = field(default_factory=dict[str, str])
    """Recorded ids of runs that the recorded scheduler made -> of their deployments."""
    _made: set[str] = field(default_factory=set[str])

    def play(self, exchanges: list[Exchange]) -> list[Difference]:
        """Replay a recording; returns what differs."""
        begin = _beginning(exchanges)
        self._deployments |= _scheduled_runs(exchanges)
        differences: list[Difference] = []
        with httpx.Client(timeout=30) as client, ExitStack() as self._open_sockets:
            for exchange in exchanges:
                self._shift = datetime.now(UTC) - begin - timedelta(seconds=exchange["t"])
                faults = list(self._http(client, exchange) if exchange["kind"] == "http" else self._frame(exchange))
                name = f"{exchange.get('method', 'socket')} {exchange['path']}"
                differences += [Difference(exchange["seq"], f"{name}: {fault}") for fault in faults]
        self._sockets.clear()
        self._owed.clear()
        return differences

    # -- HTTP

    def _http(self, client: httpx.Client, exchange: Exchange) -> Iterator[str]:
        self._stand_in(client, exchange["path"])
        answer = self._send(client, exchange)
        deadline = time.monotonic() + _PATIENCE
        # What comes in over a websocket is written a moment later.
        while exchange["method"] == "GET" and exchange["status"] == 200 and answer.status_code == 404:
            if time.monotonic() > deadline:
                break
            time.sleep(0.1)
            answer = self._send(client, exchange)
        found, expected = _body(answer), exchange["resp"]
        if _waits(found) and not _waits(expected):  # the replay is ahead of the recording
            time.sleep(found["details"]["delay_seconds"])
            answer = self._send(client, exchange)
            found = _body(answer)
        self._learn(expected, found)
        if answer.status_code == 501:  # an area that is not built yet says so; the table of routes watches over those
            return
        upsert = _UPSERT.fullmatch(exchange["path"]) and {exchange["status"], answer.status_code} == {200, 201}
        if exchange["status"] != answer.status_code and not upsert:
            yield f"status {exchange['status']} -> {answer.status_code} {answer.text[-200:]}"
            return
        yield from differences_of_shape(expected, found)
        if _waits(found):
            time.sleep(found["details"]["delay_seconds"])

    def _stand_in(self, client: httpx.Client, path: str) -> None:
        """Make a run in the place of one that the recorded scheduler made, at its first use: this one has others."""
        for id in _UUID.findall(path):
            if id in self._deployments and id not in self._made:
                deployment = self.ids[self._deployments[id]]
                made = client.post(f"{self.base}/api/deployments/{deployment}/create_flow_run", json={})
                self._made.add(id)
                self.ids[id] = made.json()["id"]

    def _send(self, client: httpx.Client, exchange: Exchange) -> httpx.Response:
        query = f"?{self._present(exchange['query'])}" if exchange["query"] else ""
        body = exchange["req"]
        content = None
        if isinstance(body, dict) and "__text__" in body:
            content = body["__text__"].encode()
        elif body is not None:
            content = self._present(json.dumps(body)).encode()
        url = self.base + self._present(exchange["path"]) + query
        request = client.build_request(exchange["method"], url, content=content, headers=exchange["req_headers"])
        return client.send(request)

    # -- websockets

    def _frame(self, frame: Exchange) -> Iterator[str]:
        number, direction = frame["conn"], frame["dir"]
        if direction in ("open", "reject"):
            yield from self._open(frame)
            return
        socket = self._sockets.get(number)
        if socket is None:
            return
        if direction == "c2s":
            socket.send(self._present(json.dumps(frame["data"])))
        elif direction == "s2c" and frame["data"].get("type") == "event":
            self._owed.setdefault(number, []).append(frame["data"])  # what causes it may stand behind it
        elif direction == "s2c":
            yield from self._expect(socket, [frame["data"]])
        elif direction == "close":
            yield from self._expect(socket, self._owed.pop(number, []))
            yield from self._close(self._sockets.pop(number), frame)

    def _open(self, frame: Exchange) -> Iterator[str]:
        url = self.base.replace("http", "ws", 1) + self._present(frame["path"])
        try:
            socket = self._open_sockets.enter_context(
                connect(url, subprotocols=frame.get("subprotocols") or None, proxy=None)
            )
        except Exception as error:  # any refusal will do where one is recorded
            if frame["dir"] == "open":
                yield f"not opened: {error!r}"
            return
        self._sockets[frame["conn"]] = socket
        if frame["dir"] == "reject":
            yield "opened"
        elif socket.subprotocol != frame["accepted_subprotocol"]:
            yield f"subprotocol {socket.subprotocol}"

    def _expect(self, socket: ClientConnection, expected: list[Any]) -> Iterator[str]:
        """Read until all these frames have come, in any order; others may come between."""
        deadline = time.monotonic() + _PATIENCE
        missing = list(expected)
        while missing:
            try:
                found = json.loads(socket.recv(max(0, deadline - time.monotonic())))
            except (TimeoutError, ConnectionClosed):
                yield f"no {', '.join(map(_kind, missing))}"
                return
            match = next((each for each in missing if _kind(each) == _kind(found)), None)
            if match is not None:
                missing.remove(match)
                self._learn(match, found)
                yield from differences_of_shape(match, found)

    @staticmethod
    def _close(socket: ClientConnection, frame: Exchange) -> Iterator[str]:
        if frame.get("by") != "server":
            socket.close()
            return
        try:
            while True:
                socket.recv(_PATIENCE)
        except ConnectionClosed:
            if socket.close_code != frame["code"]:
                yield f"closed with {socket.close_code} instead of {frame['code']}"
        except TimeoutError:
            yield "not closed"

    # -- ids and times

    def _present(self, text: str) -> str:
        """Recorded text with live ids and with times as of now."""
        text = _UUID.sub(lambda match: self.ids.get(match[0], match[0]), text)
        text = _EPOCH_TIME.sub(lambda match: f"{match[1]}{float(match[2]) + self._shift.total_seconds()}", text)
        return _TIME.sub(self._moved, text)

    def _moved(self, match: re.Match[str]) -> str:
        return (datetime.fromisoformat(match[0]) + self._shift).astimezone(UTC).isoformat().replace("+00:00", "Z")

    def _learn(self, recorded: Any, found: Any) -> None:
        if isinstance(recorded, dict) and isinstance(found, dict):
            for key, value in recorded.items():
                if key in found:
                    self._learn(value, found[key])
        elif isinstance(recorded, list) and isinstance(found, list):
            for one, other in self._pairs(recorded, found):
                self._learn(one, other)
        elif isinstance(recorded, str) and isinstance(found, str):
            old, new = _UUID.findall(recorded), _UUID.findall(found)
            if len(old) == len(new):
                self.ids.update(zip(old, new, strict=True))

    def _pairs(self, recorded: list[Any], found: list[Any]) -> Iterator[tuple[Any, Any]]:
        """Items of lists that stand for each other: those of one id; then, in order, what is new on both sides.

        What is left of the recorded ones, because their recording is not replayed, has others stand in for its id.
        """
        live = {item["id"]: item for item in found if isinstance(item, dict) and "id" in item}
        if not live:
            yield from zip(recorded, found, strict=False)
            return
        paired = {self.ids[item["id"]] for item in recorded if self.ids.get(item.get("id")) in live}
        yield from ((item, live[self.ids[item["id"]]]) for item in recorded if self.ids.get(item.get("id")) in paired)
        known = set(self.ids.values())
        unknown = [item for item in recorded if "id" in item and self.ids.get(item["id"]) not in paired]
        new = [item for id, item in live.items() if id not in known]
        yield from zip(unknown, new, strict=False)
        others = [id for id in live if id in known and id not in paired]
        yield from zip((item["id"] for item in unknown[len(new) :]), others, strict=False)


def _beginning(exchanges: list[Exchange]) -> datetime:
    """When a recording began, by the first thing that its server made and dated."""
    for exchange in exchanges:
        made = exchange.get("resp")
        if exchange.get("status") == 201 and isinstance(made, dict) and "created" in made:
            return datetime.fromisoformat(made["created"]) - timedelta(seconds=exchange["t"])
    return datetime.now(UTC)


def _scheduled_runs(exchanges: list[Exchange]) -> dict[str, str]:
    """Runs that a poll for scheduled ones answered and that nobody created over the API, with their deployments."""
    polls = [each["resp"] for each in exchanges if each["path"].endswith("/get_scheduled_flow_runs")]
    runs = [item for items in polls if isinstance(items, list) for item in items if item.get("auto_scheduled")]
    return {run["id"]: run["deployment_id"] for run in runs}


def differences_of_shape(recorded: Any, found: Any, at: str = "") -> Iterator[str]:
    """Keys and JSON types that differ; null stands for anything, of a list the first item counts."""
    if recorded is None or found is None:
        return
    if isinstance(recorded, dict) and ("__same_as__" in recorded or "__digest__" in recorded or "__text__" in recorded):
        return  # shortened, or no JSON
    if _json_type(recorded) != _json_type(found):
        yield f"{at or 'answer'} is {_json_type(found)} instead of {_json_type(recorded)}"
    elif isinstance(recorded, dict):
        if _UUID.fullmatch(next(iter(recorded), "")):
            return
        for key in recorded.keys() - found.keys():
            yield f"{at}.{key} is missing"
        for key in found.keys() - recorded.keys():
            yield f"{at}.{key} is additional"
        for key in (recorded.keys() & found.keys()) - _FREE:
            yield from differences_of_shape(recorded[key], found[key], f"{at}.{key}")
    elif isinstance(recorded, list) and recorded and found:
        yield from differences_of_shape(recorded[0], found[0], f"{at}[0]")


def _json_type(value: Any) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return "number"
    return type(value).__name__


def _body(answer: httpx.Response) -> Any:
    try:
        return answer.json() if answer.content else None
    except ValueError:
        return {"__text__": answer.text}


def _waits(answer: Any) -> bool:
    return isinstance(answer, dict) and answer.get("status") == "WAIT" and answer["details"]["delay_seconds"] < 30


def _kind(frame: Any) -> str:
    """What a frame of a server is: its type, and for an event its name."""
    event = frame.get("event")
    return f"{frame.get('type')} {event['event']}" if isinstance(event, dict) else str(frame.get("type"))
