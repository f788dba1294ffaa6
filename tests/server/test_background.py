"""The loops of background services: ticks, rests, failures and ends.  The clock is set, and time is not waited for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from support import NOON, Clock

from flowctl.db.database import Tx
from flowctl.server.background import LONGEST_REST, SERVICES, Service, Services, rest
from flowctl.server.gateway import Gateway
from flowctl.settings import Settings

ENABLED = "services_late_runs_enabled"


def within(settings: Settings, clock: Clock, test: Callable[[Gateway], Awaitable[None]]) -> None:
    async def run() -> None:
        gateway = Gateway(settings, clock=clock)
        gateway.start()
        try:
            await asyncio.wait_for(test(gateway), 20)
        finally:
            await gateway.stop()

    asyncio.run(run())


def countdown(batches: list[int]) -> Callable[[Tx], int]:
    return lambda tx: batches.pop(0) if batches else 0


def test_a_tick_repeats_its_op_until_nothing_is_left(settings: Settings, clock: Clock) -> None:
    async def test(gateway: Gateway) -> None:
        service = Service("late_runs", 5, countdown([200, 200, 7]), ENABLED)
        services = Services(gateway, [service])
        await services.tick(service)
        assert services.report() == {
            "late_runs": {"last_tick": "2026-03-01T12:00:00Z", "done": 407, "failures": 0, "last_error": None}
        }
        clock.advance(minutes=1)
        await services.tick(service)
        assert services.status["late_runs"].last_tick == clock.now > NOON
        assert services.status["late_runs"].done == 407

    within(settings, clock, test)


def test_only_what_is_enabled_starts_and_all_of_it_stops(
    settings: Settings, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    ticks: list[str] = []

    def op(name: str) -> Callable[[Tx], int]:
        return lambda tx: ticks.append(name) or 0

    async def test(gateway: Gateway) -> None:
        on, off = Service("on", 3600, op("on"), ENABLED), Service("off", 3600, op("off"), "services_foreman_enabled")
        services = Services(gateway, [on, off])
        services.start(replace(settings, services_foreman_enabled=False))
        while not ticks:
            await asyncio.sleep(0)
        await services.stop()
        assert ticks == ["on"]
        assert set(services.report()) == {"on"}

    with caplog.at_level(logging.INFO, "flowctl.services"):
        within(settings, clock, test)
    assert "on service stopped" in caplog.messages


def test_a_service_that_fails_is_logged_and_tried_again(
    settings: Settings, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    attempts: list[int] = []

    def op(tx: Tx) -> int:
        attempts.append(1)
        if len(attempts) < 3:
            raise RuntimeError("no luck")
        return 0

    async def test(gateway: Gateway) -> None:
        services = Services(gateway, [Service("unlucky", 0.001, op, ENABLED)])
        services.start(settings)
        while len(attempts) < 3:
            if len(attempts) == 2:
                assert services.status["unlucky"].last_error == "RuntimeError: no luck"
            await asyncio.sleep(0.001)
        while services.status["unlucky"].failures:
            await asyncio.sleep(0.001)
        await services.stop()

    within(settings, clock, test)
    assert caplog.messages[:2] == ["unlucky service failed, and will be tried again"] * 2


def test_failures_make_rests_longer_up_to_a_limit() -> None:
    assert [rest(5, failures) for failures in range(4)] == [5, 10, 20, 40]
    assert rest(5, 1000) == LONGEST_REST
    assert rest(3600, 3) == 3600


def test_the_table_names_settings_that_exist(settings: Settings) -> None:
    for service in SERVICES:
        assert isinstance(getattr(settings, service.enabled), bool)
        assert service.seconds(settings) >= 1
