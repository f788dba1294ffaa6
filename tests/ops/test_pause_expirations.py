"""Pauses that nobody ends in time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from service_world import make_run, state_of
from support import NOON, Clock

from flowctl.db.database import Database, Tx
from flowctl.domain.states import StateType, paused, running
from flowctl.ops import pause_expirations


@pytest.mark.parametrize("reschedule", [False, True])
def test_a_pause_fails_when_its_time_is_up(db: Database, clock: Clock, reschedule: bool) -> None:
    with db.write() as tx:
        until = timedelta(seconds=30, microseconds=500_000)
        id = make_run(tx, running(), paused(timeout=until, now=NOON, reschedule=reschedule))
    for seconds, failed in ((30, 0), (31, 1), (32, 0)):
        clock.now = NOON + timedelta(seconds=seconds)
        with db.write() as tx:
            assert pause_expirations.run_once(tx) == failed
    with db.write() as tx:
        state = state_of(tx, id)
        assert (state.type, state.message) == (StateType.FAILED, "The flow was paused and never resumed.")


def test_a_pause_without_an_end_stays(tx: Tx) -> None:
    make_run(tx, running(), paused(timeout=None, now=NOON))
    assert pause_expirations.run_once(tx) == 0
