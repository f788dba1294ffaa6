from __future__ import annotations

from typing import Any

import pytest
from api_client import TestClient


def test_a_variable_over_its_life(api: TestClient) -> None:
    made = api.post("/variables/", json={"name": "city", "value": {"name": "Köln"}, "tags": ["x"]})
    assert made.status_code == 201
    variable = made.json()
    assert (variable["name"], variable["value"], variable["tags"]) == ("city", {"name": "Köln"}, ["x"])
    assert api.post("/variables/", json={"name": "city", "value": 1}).json() == {
        "detail": "A variable with the name 'city' already exists."
    }
    assert api.get(f"/variables/{variable['id']}").json() == variable
    assert api.patch("/variables/name/city", json={"value": None}).status_code == 204
    assert api.patch(f"/variables/{variable['id']}", json={"name": "town"}).status_code == 204
    shown = api.get("/variables/name/town").json()
    assert (shown["id"], shown["value"]) == (variable["id"], None)
    assert api.post("/variables/filter").json() == [shown]
    assert api.post("/variables/count", json={"variables": {"name": {"any_": ["city"]}}}).json() == 0
    assert api.delete("/variables/name/town").status_code == 204
    gone = api.delete(f"/variables/{variable['id']}")
    assert (gone.status_code, gone.json()) == (404, {"detail": "Variable not found."})


NAMES = "Value error, Variable name must only contain lowercase letters, numbers, and dashes or underscores."
LENGTH = "Value error, Variable value must be less than 5000 characters"


@pytest.mark.parametrize(
    ("body", "place", "kind", "message"),
    [
        ({"name": "Upper", "value": 1}, ["name"], "value_error", NAMES),
        ({"name": "new\n", "value": 1}, ["name"], "value_error", NAMES),
        ({"name": "n" * 256, "value": 1}, ["name"], "too_long", None),
        ({"name": "n", "value": "x" * 4999}, ["value"], "value_error", LENGTH),
        ({"name": "n", "value": {"big": "x" * 4991}}, ["value"], "value_error", LENGTH),
        ({"name": "n"}, ["value"], "missing", "Field required"),
        ({"name": "n", "value": 1, "tags": None}, ["tags"], "list_type", None),
        ({"name": "n", "value": 1, "bogus": 1}, ["bogus"], "extra_forbidden", None),
    ],
)
def test_what_is_wrong_is_told_as_prefect_tells_it(
    api: TestClient, body: dict[str, Any], place: list[str], kind: str, message: str | None
) -> None:
    answer = api.post("/variables/", json=body)
    assert answer.status_code == 422
    (entry,) = answer.json()["exception_detail"]
    assert (entry["loc"], entry["type"]) == (["body", *place], kind)
    assert message in (None, entry["msg"])


def test_the_longest_that_is_taken(api: TestClient) -> None:
    assert api.post("/variables/", json={"name": "n" * 255, "value": "x" * 4998}).status_code == 201
