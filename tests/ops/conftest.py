"""Fixtures of the tests of `why`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support import Clock
from why_world import WhyWorld, why_world


@pytest.fixture
def world(db_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[WhyWorld]:
    """The whole application, whose clock is set."""
    with why_world(db_path, clock, monkeypatch) as world:
        yield world
