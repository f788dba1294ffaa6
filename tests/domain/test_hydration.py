from __future__ import annotations

import pytest

from flowctl.domain.hydration import HydrationError, hydrate


def wrapped(kind: str, **content: object) -> dict[str, object]:
    return {"__prefect_kind": kind, **content}


@pytest.mark.parametrize(
    ("value", "hydrated"),
    [
        (1, 1),
        ({"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}),
        (wrapped("json", value='{"a": 1}'), {"a": 1}),
        (wrapped("json", value=[1]), [1]),
        (wrapped("none", value=wrapped("json", value="2")), 2),
        (wrapped("json", value=wrapped("none", value="[3]")), [3]),
        (wrapped("workspace_variable", variable_name="v"), "of v"),
        (wrapped("workspace_variable", variable_name=wrapped("json", value='"v"')), "of v"),
        (wrapped("jinja", template="x"), "X"),
        (wrapped("unknown", value=4), 4),
        (wrapped("unknown"), None),
    ],
)
def test_wrappers_become_what_they_stand_for(value: object, hydrated: object) -> None:
    values = hydrate({"x": value}, variables={"v": "of v"}, render=str.upper)
    assert values == {"x": hydrated}


def test_wrappers_without_content_are_taken_out() -> None:
    empty = [wrapped("json"), wrapped("workspace_variable"), wrapped("json", value=wrapped("json"))]
    assert hydrate({"a": empty[0], "b": [1, *empty], "c": {"d": empty[1]}}) == {"b": [1], "c": {}}
    assert hydrate(wrapped("json")) == {}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (wrapped("none"), "Missing 'value' key in __prefect object"),
        (wrapped("jinja"), "Missing 'template' key in __prefect object"),
        (wrapped("json", value="{"), "Invalid JSON: Expecting property name"),
        (wrapped("workspace_variable", variable_name="w"), "Variable 'w' not found in workspace."),
        (wrapped("jinja", template="x"), "Invalid jinja: "),
    ],
)
def test_what_cannot_be_unwrapped_says_why(value: object, message: str) -> None:
    with pytest.raises(HydrationError, match=message):
        hydrate({"x": [value]})


def test_a_template_that_fails_says_why() -> None:
    def render(text: str) -> str:
        raise ValueError(f"cannot render {text}")

    with pytest.raises(HydrationError, match="Invalid jinja: cannot render t"):
        hydrate({"x": wrapped("jinja", template="t")}, render=render)
