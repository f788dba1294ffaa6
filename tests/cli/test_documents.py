from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowctl.cli import documents


def test_dig_reaches_inside() -> None:
    value = {"state": {"name": "Late", "list": [{"a": 1}]}}
    assert documents.dig(value, "state.name") == "Late"
    assert documents.dig(value, "state.list.0.a") == 1
    assert documents.dig(value, "state.list.7") is None
    assert documents.dig(value, "state.name.first") is None


def test_csv_quotes_what_needs_it() -> None:
    rows = [["a,b", 'c"d'], [None, ["x", "y"]], [True, {"k": 1}]]
    assert documents.csv_text(["one", "two"], rows, headers=True) == (
        'one,two\n"a,b","c""d"\n,"x,y"\ntrue,"{""k"": 1}"\n'
    )


def test_yaml_in_block_style() -> None:
    value = {"name": "brisk", "tags": ["a", "b: c"], "state": {"at": "2026-01-01", "data": None}, "empty": [], "o": {}}
    assert documents.yaml_text([value]) == (
        "- name: brisk\n"
        "  tags:\n"
        "    - a\n"
        '    - "b: c"\n'
        "  state:\n"
        '    at: "2026-01-01"\n'
        "    data: null\n"
        "  empty: []\n"
        "  o: {}\n"
    )


@pytest.mark.parametrize(
    "text", ["", "yes", "null", "1", "1e5", "- a", "a: b", "a #b", "x\ny", "a ", "é", "\u2028", "~"]
)
def test_yaml_quotes_what_is_not_plainly_text(text: str) -> None:
    assert documents.yaml_text(text).startswith('"')


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_json_texts_read_back(value: object) -> None:
    assert json.loads(documents.json_text(value)) == value
    assert json.loads(documents.json_line(value)) == value
    assert "\n" not in documents.json_line(value)
