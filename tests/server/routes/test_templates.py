from __future__ import annotations

import pytest
from api_client import TestClient

PATHS = ("/templates/validate", "/automations/templates/validate")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("text", ["", "plain", "{{ x.y | nofilter }}", "{% raw %}{{ x {% endraw %}", "{{ 1 / 0 }}"])
def test_a_template_is_accepted(api: TestClient, path: str, text: str) -> None:
    assert api.post(path, json=text).status_code == 204


def test_no_body_is_an_empty_template(api: TestClient) -> None:
    assert api.post(PATHS[0]).status_code == 204


@pytest.mark.parametrize("path", PATHS)
def test_a_fault_is_told_with_its_line(api: TestClient, path: str) -> None:
    answer = api.post(path, json="\n{% bogus %}")
    assert answer.status_code == 422
    assert answer.json() == {
        "error": {"line": 2, "message": "Encountered unknown tag 'bogus'.", "source": "\n{% bogus %}"}
    }


def test_too_many_loops_are_refused(api: TestClient) -> None:
    answer = api.post(PATHS[0], json="{% for i in x %}{% endfor %}" * 11)
    assert answer.json()["error"]["line"] == 0
    assert "Contains 11 for loops" in answer.json()["error"]["message"]


def test_what_is_no_text_is_invalid(api: TestClient) -> None:
    assert api.post(PATHS[0], json={"a": 1}).json()["exception_detail"][0]["type"] == "string_type"
