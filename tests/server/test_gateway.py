"""The bridge: group commit, its isolation and its failures, reads beside writes, start and stop."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flowctl.db.database import Database, Tx, Writer
from flowctl.domain.errors import Busy, Conflict, Forbidden, Unusable
from flowctl.ops.steps import Steps
from flowctl.server.gateway import Gateway
from flowctl.settings import Settings


def put(key: str) -> Callable[[Tx], str]:
    def work(tx: Tx) -> str:
        tx.execute("INSERT INTO configuration (id, key) VALUES (?, ?)", (str(tx.new_id()), key))
        return key

    return work


def keys(tx: Tx) -> list[str]:
    return [key for (key,) in tx.execute("SELECT key FROM configuration ORDER BY rowid")]


def within(settings: Settings, test: Callable[[Gateway], Awaitable[Any]], *, read_only: bool = False) -> Any:
    """Run a test on a started gateway."""

    async def run() -> Any:
        gateway = Gateway(settings, read_only=read_only)
        gateway.start()
        try:
            return await asyncio.wait_for(test(gateway), 20)
        finally:
            await gateway.stop()

    return asyncio.run(run())


def in_file(settings: Settings) -> list[str]:
    assert settings.db
    with sqlite3.connect(f"file:{settings.db}?mode=ro", uri=True) as conn:
        found = [key for (key,) in conn.execute("SELECT key FROM configuration ORDER BY rowid")]
    conn.close()
    return found


def count_commits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    commits: list[int] = []
    original = Writer.commit

    def commit(self: Writer) -> None:
        commits.append(1)
        original(self)

    monkeypatch.setattr(Writer, "commit", commit)
    return commits


def test_queued_writes_share_a_commit_and_keep_their_order(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    commits = count_commits(monkeypatch)

    async def test(gateway: Gateway) -> None:
        names = [f"k{number:02}" for number in range(20)]
        assert await asyncio.gather(*(gateway.write(put(name)) for name in names)) == names
        assert await gateway.read(keys) == names

    within(settings, test)
    assert len(commits) < 20


def test_an_answer_comes_after_its_commit(settings: Settings) -> None:
    async def test(gateway: Gateway) -> None:
        for number in range(5):
            await gateway.write(put(str(number)))
            assert len(in_file(settings)) == number + 1

    within(settings, test)


def test_a_group_ends_after_a_few_milliseconds(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    commits = count_commits(monkeypatch)
    monkeypatch.setattr("flowctl.server.gateway.GROUP_SECONDS", 0.0)

    async def test(gateway: Gateway) -> None:
        await asyncio.gather(*(gateway.write(put(str(number))) for number in range(5)))

    within(settings, test)
    assert len(commits) == 5


def test_one_writes_error_leaves_its_neighbours_alone(settings: Settings) -> None:
    def fail(tx: Tx) -> None:
        put("half")(tx)
        raise Conflict("no")

    async def test(gateway: Gateway) -> list[Any]:
        works: list[Callable[[Tx], Any]] = [put("a"), fail, put("b"), put("a"), put("c")]
        return await asyncio.gather(*(gateway.write(work) for work in works), return_exceptions=True)

    answers = within(settings, test)
    assert [type(answer) for answer in answers] == [str, Conflict, str, Conflict, str]
    assert in_file(settings) == ["a", "b", "c"]


def test_a_failed_commit_reaches_everyone_in_the_group(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()

    def commit(_self: Writer) -> None:
        raise Unusable("disk full")

    async def test(gateway: Gateway) -> list[Any]:
        first = asyncio.create_task(gateway.write(lambda tx: gate.wait(10)))
        others = [asyncio.create_task(gateway.write(put(str(number)))) for number in range(3)]
        await asyncio.sleep(0.05)
        monkeypatch.setattr(Writer, "commit", commit)
        monkeypatch.setattr("flowctl.server.gateway.GROUP_SECONDS", 10)
        gate.set()
        answers = await asyncio.gather(first, *others, return_exceptions=True)
        monkeypatch.undo()
        await gateway.write(put("after"))
        return answers

    monkeypatch.setattr("flowctl.server.gateway.GROUP_SECONDS", 10)
    answers = within(settings, test)
    assert [type(answer) for answer in answers] == [Unusable] * 4
    assert in_file(settings) == ["after"]


def test_a_transaction_that_sqlite_gives_up_fails_its_whole_group(settings: Settings) -> None:
    gate = threading.Event()

    def lose(tx: Tx) -> None:
        tx.conn.execute("ROLLBACK")  # as SQLite does by itself when the disk is full
        raise Unusable("disk full")

    async def test(gateway: Gateway) -> list[Any]:
        first = asyncio.create_task(gateway.write(put("lost")))
        works: list[Callable[[Tx], Any]] = [lambda tx: gate.wait(0.2) and None, lose, put("next")]
        rest = [asyncio.create_task(gateway.write(work)) for work in works]
        return await asyncio.gather(first, *rest, return_exceptions=True)

    answers = within(settings, test)
    assert isinstance(answers[2], Unusable)
    # Whoever was told of success is in the file, and nobody else.
    told = [answer for answer in answers if isinstance(answer, str)]
    assert in_file(settings) == told
    assert "next" in told


def test_a_cancelled_write_is_not_begun(settings: Settings) -> None:
    gate = threading.Event()

    async def test(gateway: Gateway) -> None:
        first = asyncio.create_task(gateway.write(lambda tx: gate.wait(10)))
        gone = asyncio.create_task(gateway.write(put("gone")))
        stays = asyncio.create_task(gateway.write(put("stays")))
        await asyncio.sleep(0.05)
        gone.cancel()
        gate.set()
        await asyncio.gather(first, stays)
        assert gone.cancelled()

    within(settings, test)
    assert in_file(settings) == ["stays"]


def test_steps_let_other_writes_pass_between_them(settings: Settings) -> None:
    order: list[str] = []

    def slow(tx: Tx) -> Steps[str]:
        for number in range(3):
            order.append(f"step {number}")
            yield 1
        return "done"

    async def test(gateway: Gateway) -> None:
        long = asyncio.create_task(gateway.run(slow))
        while not order:
            await asyncio.sleep(0)
        await gateway.write(lambda tx: order.append("between"))
        assert await long == "done"

    within(settings, test)
    assert order.index("between") < order.index("step 2")


def test_listeners_hear_of_commits_in_their_order(settings: Settings) -> None:
    heard: list[list[Any]] = []

    def emit(name: str) -> Callable[[Tx], None]:
        def work(tx: Tx) -> None:
            tx.emitted.append(name)  # pyright: ignore[reportArgumentType] - any value will do
            if name == "undone":
                raise Conflict("no")

        return work

    async def test(gateway: Gateway) -> None:
        end = gateway.on_commit(heard.append)
        await asyncio.gather(*(gateway.write(emit(name)) for name in ("a", "undone", "b")), return_exceptions=True)
        end()
        await gateway.write(emit("c"))

    within(settings, test)
    assert [event for events in heard for event in events] == ["a", "b"]


def test_reads_do_not_wait_for_a_writer(settings: Settings) -> None:
    gate = threading.Event()

    async def test(gateway: Gateway) -> None:
        await gateway.write(put("before"))

        def hold(tx: Tx) -> None:
            put("during")(tx)
            gate.wait(10)

        writing = asyncio.create_task(gateway.write(hold))
        await asyncio.sleep(0.05)
        assert await gateway.read(keys) == ["before"]
        assert await gateway.read(keys, quick=True) == ["before"]
        gate.set()
        await writing
        assert await gateway.read(keys) == ["before", "during"]

    within(settings, test)


def test_a_read_cannot_write(settings: Settings) -> None:
    async def test(gateway: Gateway) -> None:
        await gateway.read(put("sneaked"))

    with pytest.raises(Unusable):
        within(settings, test)
    assert in_file(settings) == []


def test_another_process_that_writes_makes_everyone_wait_then_busy(settings: Settings) -> None:
    assert settings.db
    other = Database(settings.db)
    settings = replace(settings, busy_timeout=0.2)

    async def test(gateway: Gateway) -> None:
        with other.write():
            answers = await asyncio.gather(
                *(gateway.write(put(str(number))) for number in range(3)), return_exceptions=True
            )
        assert [type(answer) for answer in answers] == [Busy] * 3
        await gateway.write(put("after"))

    within(settings, test)
    other.close()
    assert in_file(settings) == ["after"]


def test_stop_finishes_what_is_queued(settings: Settings) -> None:
    async def run() -> None:
        gateway = Gateway(settings)
        gateway.start()
        writes = [asyncio.create_task(gateway.write(put(str(number)))) for number in range(10)]
        await asyncio.sleep(0)
        await gateway.stop()
        await asyncio.gather(*writes)
        with pytest.raises(Busy):
            await gateway.write(put("late"))
        with pytest.raises(Busy):
            await gateway.read(keys)

    asyncio.run(run())
    assert len(in_file(settings)) == 10


def test_it_can_be_started_again_and_used_from_another_loop(settings: Settings) -> None:
    gateway = Gateway(settings)

    async def use(name: str) -> None:
        gateway.start()
        await gateway.write(put(name))
        await gateway.stop()

    asyncio.run(use("a"))
    asyncio.run(use("b"))
    assert in_file(settings) == ["a", "b"]


def test_a_read_only_gateway_reads_and_refuses_writes(settings: Settings) -> None:
    async def test(gateway: Gateway) -> None:
        assert await gateway.read(keys) == []
        with pytest.raises(Forbidden):
            await gateway.write(put("a"))

    within(settings, test, read_only=True)


def test_a_file_that_is_no_database_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "text.db"
    path.write_text("no database at all " * 100)
    with pytest.raises(Unusable):
        Gateway(Settings(db=path)).start()
