from __future__ import annotations

from typing import Any

import pytest

from flowctl.domain.errors import Invalid, NotFound
from flowctl.ops.job_variables import check_defaults, check_deployment


def template(**fields: dict[str, Any]) -> dict[str, Any]:
    return {"variables": {"type": "object", "properties": fields, "required": ["command"]}}


def test_without_a_schema_everything_passes() -> None:
    check_deployment({}, {"n": "s"}, doing="creating")
    check_defaults({})


def test_required_variables_may_come_later() -> None:
    check_deployment(template(n={"type": "integer"}), {"n": 1}, doing="creating")
    with pytest.raises(Invalid, match="Error updating deployment: Validation failed for field 'n'"):
        check_deployment(template(n={"type": "integer"}), {"n": "s"}, doing="updating")


def test_a_bad_default_is_no_fault_of_the_deployment() -> None:
    base = template(n={"type": "integer", "default": "s"})
    check_deployment(base, {"m": 1}, doing="creating")
    with pytest.raises(Invalid, match="Validation failed for work pool's job variable defaults"):
        check_defaults(base)


def test_null_stands_for_a_default() -> None:
    check_deployment(template(n={"type": "integer", "default": 1}), {"n": None}, doing="creating")


def test_a_new_pool_may_not_refer_to_a_block_that_is_not_there() -> None:
    base = template(n={"type": "integer", "default": {"$ref": {"block_document_id": "x"}}})
    with pytest.raises(NotFound, match="Block not found"):
        check_defaults(base)
    check_deployment(base, {"m": 1}, doing="creating")


def test_another_reference_is_not_judged() -> None:
    check_defaults(template(n={"type": "integer", "default": {"$ref": "#/definitions/n"}}))


def test_a_broken_schema_is_told() -> None:
    with pytest.raises(Invalid, match="Invalid schema"):
        check_deployment({"variables": {"type": "nonsense"}}, {"n": 1}, doing="creating")
