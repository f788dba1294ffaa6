from __future__ import annotations

import pytest

from flowctl.domain.templates import TemplateError, check, is_template, render

LOOP = "{% for i in range(2) %}"
END = "{% endfor %}"


def test_text_is_no_template() -> None:
    assert not is_template("{ plain }")
    assert render("{ plain }", {}) == "{ plain }"


def test_values_are_put_in() -> None:
    assert render("{{ a.b }} {{ 1 + 1 }}", {"a": {"b": "x"}}) == "x 2"


def test_a_missing_name_is_empty() -> None:
    assert render("[{{ a.b.c }}]", {}) == "[]"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ 1 +", "unexpected"),
        (f"{LOOP * 3}{END * 3}", "nested for loops at a depth of 3"),
        (f"{LOOP}{END}" * 11, "Contains 11 for loops"),
    ],
)
def test_bounds_are_checked(text: str, message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        check(text)


def test_an_error_tells_its_place() -> None:
    with pytest.raises(TemplateError) as raised:
        check("one\n{# two")
    assert (raised.value.line, raised.value.message) == (2, "Missing end of comment tag")


@pytest.mark.parametrize("text", ["{{ range(101) }}", "{{ ''.__class__() }}", "{{ 1 / 0 }}"])
def test_what_fails_or_breaks_out_is_an_error(text: str) -> None:
    with pytest.raises(TemplateError, match="Failed to render template"):
        render(text, {})


def test_values_cannot_be_changed() -> None:
    with pytest.raises(TemplateError):
        render("{{ a.append(1) }}", {"a": []})
