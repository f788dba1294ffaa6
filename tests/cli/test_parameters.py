from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import pytest

from flowctl.cli.parameters import check, collect
from flowctl.domain.errors import Invalid

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "day": {"type": "string"},
        "zip": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "rows": {"type": "integer", "default": 10},
        "deep": {"type": "object", "properties": {"er": {"type": "string"}}},
    },
    "required": ["day"],
}


def test_values_are_json_or_text() -> None:
    pairs = ["n=5", "flag=true", "list=[1, 2]", "name=otter", 'quoted="5"', "empty=", "sum=1=1"]
    assert collect(pairs) == {
        "n": 5,
        "flag": True,
        "list": [1, 2],
        "name": "otter",
        "quoted": "5",
        "empty": "",
        "sum": "1=1",
    }
    assert collect(None) == {}


def test_a_value_that_can_only_be_a_text_is_taken_as_it_stands() -> None:
    assert collect(["day=20260131", "rows=7", "deep.er=null"], schema=SCHEMA) == {
        "day": "20260131",
        "rows": 7,
        "deep": {"er": "null"},
    }
    assert collect(["zip=null"], schema=SCHEMA) == {"zip": None}


def test_pairs_go_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "params.json"
    path.write_text('{"n": 1, "deep": {"er": 2, "est": 3}}')
    expected = {"n": 5, "deep": {"er": "x", "est": 3}}
    assert collect(["n=5", "deep.er=x"], str(path)) == expected
    assert collect(["n=5", "deep.er=x"], text=path.read_text()) == expected
    monkeypatch.setattr(sys, "stdin", io.StringIO(path.read_text()))
    assert collect(["n=5", "deep.er=x"], "-") == expected


@pytest.mark.parametrize(
    ("pairs", "text", "message"),
    [
        (["n"], "", "'n' is not a parameter"),
        (["=5"], "", "'=5' is not a parameter"),
        ([], "{", "--params: not JSON"),
        ([], "[1]", "not a JSON object"),
        (["n.m=5"], '{"n": 1}', "n.m cannot be set"),
    ],
)
def test_what_cannot_be_read(pairs: list[str], text: str, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        collect(pairs, text=text)
    with pytest.raises(Invalid, match="not both"):
        collect([], "file", "{}")


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(Invalid, match="is not text"):
        collect([], str(path))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"dya": 1}, "etl/nightly has no parameter 'dya'. It takes 'day', 'zip', 'rows', 'deep'. Did you mean 'day'?"),
        ({"rows": 1}, "etl/nightly needs the parameter 'day'."),
        ({"day": "x", "rows": "many"}, "Parameter 'rows': 'many' is not of type 'integer'"),
    ],
)
def test_what_the_schema_refuses(values: dict[str, Any], message: str) -> None:
    with pytest.raises(Invalid) as caught:
        check(values, SCHEMA, of="etl/nightly")
    assert caught.value.message.startswith(message)


def test_what_the_schema_lets_through() -> None:
    check({"day": "x"}, SCHEMA, of="a")
    check({"day": "x", "zip": None, "rows": 1, "deep": {"er": "y"}}, SCHEMA, of="a")
    check({"anything": 1}, {}, of="a")
    check({"anything": 1}, None, of="a")
    check({"anything": 1}, {**SCHEMA, "required": [], "additionalProperties": True}, of="a")
    with pytest.raises(Invalid, match="It takes none"):
        check({"x": 1}, {"type": "object", "properties": {}}, of="a")
