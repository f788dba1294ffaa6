from __future__ import annotations

import csv
import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from deployed import reached

from flowctl.cli import known_names


@pytest.fixture(params=["file", "server"])
def door(request: pytest.FixtureRequest, db_path: Path) -> Generator[list[str]]:
    with reached(request.param, db_path) as flags:
        yield flags


@pytest.fixture
def some(cli) -> None:
    assert cli("variables", "set", "city", "Köln", "--tag", "prod", "--tag", "eu").code == 0
    assert cli("variables", "set", "limits", '{"rows": 500}').code == 0
    assert cli("variables", "set", "zip", "01234", "--text", "--tag", "eu").code == 0


def read(cli, name: str) -> dict[str, Any]:
    return cli("variables", "get", name, "--json").json


def names(cli) -> list[str]:
    return [each["name"] for each in cli("variables", "ls", "--all", "--json").json]


class TestLs:
    def test_as_a_table_and_as_data(self, cli, some: None, door: list[str]) -> None:
        assert [line.split()[0] for line in cli("variables", "ls", *door).lines] == ["NAME", "city", "limits", "zip"]
        rows = list(csv.DictReader(cli("variables", "ls", "-o", "csv", *door).lines))
        assert [(row["name"], row["value"], row["tags"]) for row in rows] == [
            ("city", "Köln", "prod,eu"),
            ("limits", '{"rows": 500}', ""),
            ("zip", "01234", "eu"),
        ]
        objects = cli("variables", "ls", "--json", *door).json
        assert [each["value"] for each in objects] == ["Köln", {"rows": 500}, "01234"]
        assert cli("variables", "ls", "-q", *door).lines == [each["id"] for each in objects]

    @pytest.mark.parametrize(
        ("flags", "expected"),
        [
            (("--tag", "eu"), ["city", "zip"]),
            (("--tag", "eu", "--tag", "prod"), ["city"]),
            (("--name", "*i*"), ["city", "limits", "zip"]),
            (("--name", "*i*", "--limit", "2"), ["city", "limits"]),
            (("--sort", "-name", "--limit", "1"), ["zip"]),
            (("--sort", "-created"), ["zip", "limits", "city"]),
            (("--name", "none"), []),
        ],
        ids=str,
    )
    def test_filters(self, cli, some: None, flags: tuple[str, ...], expected: list[str]) -> None:
        assert [each["name"] for each in cli("variables", "ls", "--json", *flags).json] == expected

    def test_an_order_that_there_is_none(self, cli) -> None:
        result = cli("variables", "ls", "--sort", "value")
        assert (result.code, result.out) == (2, "")


class TestGet:
    def test_a_text_as_it_stands_and_other_values_as_json(self, cli, some: None, door: list[str]) -> None:
        assert cli("variables", "get", "city", *door).out == "Köln\n"
        assert cli("variables", "get", "limits", *door).out == '{"rows": 500}\n'
        assert cli("variables", "get", "zip", "-o", "csv", *door).lines[1].startswith("zip,01234,eu,")
        found = cli("variables", "get", "city", "--json", *door).json
        assert found["tags"] == ["prod", "eu"]
        assert cli("variables", "get", found["id"], *door).out == "Köln\n"

    def test_one_that_is_not_there(self, cli, door: list[str]) -> None:
        result = cli("variables", "get", "nope", *door)
        assert (result.code, result.out) == (3, "")
        assert result.err == "error: Variable 'nope' not found.\ntry: flowctl variables ls\n"


class TestSet:
    def test_a_new_one_and_another_value(self, cli, door: list[str]) -> None:
        made = cli("variables", "set", "city", "Köln", "--tag", "eu", "--json", *door).json
        assert (made["value"], made["tags"]) == ("Köln", ["eu"])
        again = cli("variables", "set", "city", '["Bonn"]', "--json", *door).json
        assert (again["id"], again["value"], again["tags"]) == (made["id"], ["Bonn"], ["eu"])
        assert cli("variables", "set", "city", "x", "--untag", "eu", "--tag", "old", "-q", *door).lines == [made["id"]]
        assert cli("variables", "set", "city", "5", "-o", "csv", *door).lines[1].startswith("city,5,old,")

    @pytest.mark.parametrize(
        ("value", "flags", "expected"),
        [
            ("5", (), 5),
            ("5", ("--text",), "5"),
            ('"5"', (), "5"),
            ("null", (), None),
            ("", (), ""),
            ("a: b", (), "a: b"),
        ],
    )
    def test_values_are_json_or_else_texts(self, cli, value: str, flags: tuple[str, ...], expected: object) -> None:
        assert cli("variables", "set", "v", value, *flags).code == 0
        assert read(cli, "v")["value"] == expected
        (shown,) = csv.DictReader(cli("variables", "ls", "-o", "csv").lines)
        assert cli("variables", "set", "w", shown["value"]).code == 0
        assert read(cli, "w")["value"] == expected

    def test_a_value_from_a_pipe(self, cli) -> None:
        assert cli("variables", "set", "query", "-", stdin="SELECT 1\nFROM t\n").code == 0
        assert cli("variables", "get", "query").out == "SELECT 1\nFROM t\n"

    def test_a_dry_run_changes_nothing(self, cli, some: None) -> None:
        result = cli("variables", "set", "city", "5", "--text", "--untag", "eu", "--dry-run")
        assert (result.out, result.err) == ("", 'would change city: Köln -> "5", tags prod\n')
        assert cli("variables", "set", "new", "5", "--dry-run").err == "would create new: 5\n"
        assert read(cli, "city")["value"] == "Köln"
        assert "new" not in names(cli)

    @pytest.mark.parametrize(
        ("arguments", "code", "message"),
        [
            (("BAD", "1"), 2, "'BAD': Variable name must only contain lowercase letters"),
            (("n" * 256, "1"), 2, "at most 255 characters"),
            (("long", "x" * 5000), 2, "'long': Variable value must be less than 5000 characters"),
            (("city", "1", "--no-overwrite"), 1, "There is a variable 'city' already."),
        ],
        ids=["name", "long name", "long value", "taken"],
    )
    def test_what_is_refused(self, cli, some: None, arguments: tuple[str, ...], code: int, message: str) -> None:
        for more in ((), ("--dry-run",)):
            result = cli("variables", "set", *arguments, *more)
            assert (result.code, result.out) == (code, "")
            assert message in result.err
        assert names(cli) == ["city", "limits", "zip"]


class TestUnset:
    def test_several_by_name_and_from_a_pipe(self, cli, some: None, door: list[str]) -> None:
        assert cli("variables", "unset", "city", "-y", *door).err == "deleted 1 variable\n"
        ids = cli("variables", "ls", "-q", *door).out
        assert cli("variables", "unset", "-", "-y", "-q", *door, stdin=ids).out == ids
        assert names(cli) == []

    def test_it_asks_and_a_dry_run_only_tells(self, cli, some: None) -> None:
        assert cli("variables", "unset", "city", "zip", "--dry-run").err == "would delete 2 variables: city, zip\n"
        told = cli("variables", "unset", "city", "zip", "--dry-run", "--json").json
        assert [each["name"] for each in told] == ["city", "zip"]
        refused = cli("variables", "unset", "city")
        assert refused.code == 2
        assert "Delete variable city?" in refused.err
        assert "add -y" in refused.err
        assert names(cli) == ["city", "limits", "zip"]

    def test_what_is_missing_does_not_keep_it_from_the_others(self, cli, some: None) -> None:
        assert cli("variables", "unset", "nope", "-y").code == 3
        result = cli("variables", "unset", "nope", "city", "-y", "--json")
        assert result.code == 7
        assert [each["name"] for each in result.json] == ["city"]
        assert "'nope' not found" in result.err


class TestDumpAndLoad:
    def test_what_was_dumped_is_loaded(self, cli, some: None, door: list[str], tmp_path: Path) -> None:
        dumped = cli("variables", "dump", *door)
        assert dumped.json[0] == {"name": "city", "value": "Köln", "tags": ["prod", "eu"]}
        for text in (dumped.out, cli("variables", "dump", "-o", "jsonl").out, cli("variables", "ls", "--json").out):
            assert cli("variables", "unset", "city", "zip", "-y").code == 0
            file = tmp_path / "variables.json"
            file.write_text(text)
            result = cli("variables", "load", str(file), *door)
            assert (result.code, result.err) == (0, "2 created · 1 same\n")
            assert cli("variables", "dump").out == dumped.out

    def test_some_are_dumped(self, cli, some: None) -> None:
        assert [each["name"] for each in cli("variables", "dump", "zip", "city", "--json").json] == ["zip", "city"]
        assert cli("variables", "dump", "--tag", "prod", "-o", "csv").lines == [
            "name,value,tags",
            'city,Köln,"prod,eu"',
        ]
        assert cli("variables", "dump", "city", "--fields", "value", "--json").json == [{"value": "Köln"}]
        assert cli("variables", "dump", "nope").code == 3
        assert cli("variables", "dump", "city", "--tag", "prod").code == 2

    def test_names_and_values_are_loaded(self, cli, some: None) -> None:
        text = json.dumps({"city": "Bonn", "limits": {"rows": 500}, "new": [1, None]})
        flags = ("--tag", "eu", "-o", "csv")
        would = cli("variables", "load", "-", *flags, "--dry-run", stdin=text)
        assert would.lines == [
            "name,value,tags,result",
            "city,Bonn,eu,changed",
            'limits,"{""rows"": 500}",eu,changed',
            'new,"[1, null]",eu,created',
        ]
        assert would.err == "would be: 2 changed · 1 created\n"
        assert read(cli, "city")["value"] == "Köln"
        kept = cli("variables", "load", "-", "--no-overwrite", "--json", stdin=text).json
        assert [each["result"] for each in kept] == ["kept", "same", "created"]
        assert cli("variables", "load", "-", "-q", stdin=text).lines == ["city"]
        assert read(cli, "city")["value"] == "Bonn"

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("{", "-: not JSON"),
            ("5", "- holds no variables"),
            ('[{"name": "a"}]', "number 1 is no variable"),
            ('[{"name": "a", "value": 1}, 5]', "number 2 is no variable"),
            ('[{"name": "a", "value": 1, "tags": "x"}]', "number 1 is no variable"),
            ('[{"name": "a", "value": 1}, {"name": "a", "value": 2}]', "'a' twice"),
            ('{"a": 1, "BAD": 2}', "'BAD': Variable name"),
        ],
    )
    def test_a_file_with_a_fault_changes_nothing(self, cli, text: str, message: str) -> None:
        result = cli("variables", "load", "-", stdin=text)
        assert (result.code, result.out) == (2, "")
        assert message in result.err
        assert names(cli) == []

    def test_a_file_that_is_not_there(self, cli, tmp_path: Path) -> None:
        result = cli("variables", "load", str(tmp_path / "none.json"))
        assert result.code == 2
        assert "none.json cannot be read: No such file" in result.err


def test_names_complete(cli, some: None, db_path: Path, door: list[str]) -> None:
    given = {"api": door[1]} if door else {"db": str(db_path)}
    assert "city" in known_names.variables(given, "ci")
