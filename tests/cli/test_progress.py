from __future__ import annotations

import pytest

from flowctl.cli import progress


@pytest.mark.parametrize("shown", [True, False])
def test_a_bar_appears_once_the_work_takes_long(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, shown: bool
) -> None:
    monkeypatch.setattr(progress, "PATIENCE_SECONDS", -1.0)
    monkeypatch.setenv("FORCE_COLOR", "1")
    with progress.bar("deleting runs", 4, shown=shown) as advance:
        advance(1)
        advance(3)
    out, err = capsys.readouterr()
    assert out == ""
    assert ("deleting runs" in err) == shown


def test_quick_work_shows_none(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with progress.bar("deleting runs", 1, shown=True) as advance:
        advance(1)
    assert "deleting" not in capsys.readouterr().err
