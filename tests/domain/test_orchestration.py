from __future__ import annotations

import pytest

from flowctl.domain.orchestration import Client


@pytest.mark.parametrize(
    ("version", "is_newer"),
    [
        ("3.4.11", True),
        ("3.8.1", True),
        ("4.0", True),
        ("3.4.12rc1", True),
        ("3.4.11+local", True),
        ("3.4.11.dev3", False),
        ("3.4.11rc1", False),
        ("3.4.10", False),
        ("2.20.4", False),
        ("nonsense", False),
        (None, False),
    ],
)
def test_releases_are_compared_by_number(version, is_newer):
    assert Client(prefect_version=version).is_prefect(3, 4, 11) is is_newer


@pytest.mark.parametrize(
    ("version", "speaks"), [(None, True), ((0, 8, 4), True), ((0, 9, 0), True), ((0, 8, 3), False)]
)
def test_api_versions_are_compared_and_none_is_the_newest(version, speaks):
    assert Client(api_version=version).speaks(0, 8, 4) is speaks
