"""The control channel, with a client that speaks as Prefect's does."""

from __future__ import annotations

import asyncio
from uuid import uuid4

from flowctl.runner import control
from flowctl.runner.control import ControlChannel


async def connect(
    variables: dict[str, str], *, token: str | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(variables["PREFECT__CONTROL_PORT"]))
    writer.write((token or variables["PREFECT__CONTROL_TOKEN"]).encode() + b"\n")
    await writer.drain()
    return reader, writer


def test_a_run_that_answers_has_understood() -> None:
    async def scenario() -> None:
        channel, run = ControlChannel(), uuid4()
        await channel.start()
        reader, writer = await connect(channel.expect(run))
        await asyncio.sleep(0.05)
        told = asyncio.create_task(channel.tell(run, "cancel"))
        assert await reader.read(1) == b"c"
        writer.write(b"a")
        assert await told
        assert await reader.read() == b""  # one word, and the line is closed
        writer.close()
        await channel.close()

    asyncio.run(scenario())


def test_who_is_not_there_or_does_not_answer_or_is_a_stranger_has_not(monkeypatch) -> None:
    monkeypatch.setattr(control, "ANSWER_SECONDS", 0.1)

    async def scenario() -> None:
        channel, silent, absent, wronged = ControlChannel(), uuid4(), uuid4(), uuid4()
        assert channel.expect(silent) == {}  # it does not listen yet
        await channel.start()
        reader, writer = await connect(channel.expect(silent))
        _, stranger = await connect(channel.expect(wronged), token="guessed")
        channel.expect(absent)
        await asyncio.sleep(0.05)
        for run in (silent, absent, wronged, uuid4()):
            assert not await channel.tell(run, "reschedule")
        assert await reader.read(1) == b"r"
        writer.close()
        stranger.close()
        await channel.close()

    asyncio.run(scenario())
