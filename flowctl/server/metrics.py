"""`/metrics`: the state of the server in Prometheus' text format, made when somebody asks; nothing is sent anywhere.

The numbers are counted elsewhere (`tally.py`, `background.py`), and those of the database are read on request.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST as CONTENT_TYPE

from flowctl import API_VERSION, PREFECT_VERSION, __version__
from flowctl.domain.states import StateType
from flowctl.server.tally import COMMIT_BOUNDS

if TYPE_CHECKING:
    from flowctl.db.database import Tx
    from flowctl.server.call import Context

__all__ = ["CONTENT_TYPE", "expose"]

COUNT_AT_MOST = 1_000_000
"""Runs of one state that are counted; the answer shall not keep a reader busy."""

_COUNT = "SELECT count(*) FROM (SELECT 1 FROM flow_run WHERE state_type = ? LIMIT ?)"  # ix_flow_run__state

_COUNT_LATE = """
    SELECT count(*) FROM (
        SELECT 1 FROM flow_run WHERE state_type = 'SCHEDULED' AND state_name = 'Late' LIMIT ?
    )
"""  # ix_flow_run__state


@dataclass(frozen=True, slots=True)
class _Counts:
    runs: dict[str, int]
    late: int


async def expose(context: Context) -> bytes:
    """Everything as text."""
    counts = await context.gateway.read(_count)
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(_Collector(context, counts))
    return generate_latest(registry)


class _Collector:
    """Gives the families of one answer."""

    def __init__(self, context: Context, counts: _Counts) -> None:
        self._context = context
        self._counts = counts

    def describe(self) -> Iterable[Metric]:
        """Nothing: the registry is made for one answer."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """All families."""
        versions = {"version": __version__, "prefect": PREFECT_VERSION, "api": API_VERSION}
        yield InfoMetricFamily("flowctl", "Versions of flowctl and of the API that it speaks.", versions)
        yield from self._runs()
        yield from self._requests()
        yield from self._writer()
        yield from self._services()
        yield from self._files()

    def _runs(self) -> Iterator[Metric]:
        runs = GaugeMetricFamily(
            "flowctl_flow_runs", f"Flow runs by state; at most {COUNT_AT_MOST} are counted.", labels=["state"]
        )
        for state, count in self._counts.runs.items():
            runs.add_metric([state], count)
        yield runs
        yield GaugeMetricFamily("flowctl_late_flow_runs", "Flow runs that are Late.", self._counts.late)

    def _requests(self) -> Iterator[Metric]:
        requests = CounterMetricFamily("flowctl_requests", "Answers of the API.", labels=["method", "path", "status"])
        for (method, path, status), count in sorted(self._context.tally.requests.items()):
            requests.add_metric([method, path, str(status)], count)
        yield requests
        sockets = GaugeMetricFamily("flowctl_websockets", "Open websockets.", labels=["path"])
        for path, count in sorted(self._context.tally.sockets.items()):
            sockets.add_metric([path], count)
        yield sockets

    def _writer(self) -> Iterator[Metric]:
        gateway = self._context.gateway
        tally = gateway.tally
        yield GaugeMetricFamily("flowctl_writer_queue", "Writes that wait for the writer.", gateway.queued)
        yield CounterMetricFamily("flowctl_writes", "Writes that were committed.", tally.writes)
        yield CounterMetricFamily("flowctl_commit_failures", "Groups of writes that failed.", tally.failures)
        commits = HistogramMetricFamily("flowctl_commit_seconds", "Time of a commit, which serves several writes.")
        bounds = [*map(str, COMMIT_BOUNDS), "+Inf"]
        commits.add_metric([], list(zip(bounds, accumulate(tally.commits), strict=True)), tally.seconds)
        yield commits

    def _services(self) -> Iterator[Metric]:
        ticks = CounterMetricFamily("flowctl_service_ticks", "Ticks of background services.", labels=["service"])
        failures = CounterMetricFamily("flowctl_service_failures", "Ticks that failed.", labels=["service"])
        done = CounterMetricFamily("flowctl_service_done", "Things that services did.", labels=["service"])
        last = GaugeMetricFamily("flowctl_service_last_tick_seconds", "Unix time of the last tick.", labels=["service"])
        services = self._context.services
        for name, status in services.status.items() if services else ():
            ticks.add_metric([name], status.ticks)
            failures.add_metric([name], status.failed_ticks)
            done.add_metric([name], status.done)
            if status.last_tick is not None:
                last.add_metric([name], status.last_tick.timestamp())
        yield from (ticks, failures, done, last)

    def _files(self) -> Iterator[Metric]:
        files = GaugeMetricFamily("flowctl_database_bytes", "Size of the database's files.", labels=["file"])
        path = self._context.gateway.path
        for kind, file in (("database", path), ("wal", path.with_name(path.name + "-wal"))):
            files.add_metric([kind], file.stat().st_size if file.exists() else 0)
        yield files


def _count(tx: Tx) -> _Counts:
    runs = {str(state): tx.scalar(_COUNT, (state.value, COUNT_AT_MOST)) for state in StateType}
    return _Counts(runs, tx.scalar(_COUNT_LATE, (COUNT_AT_MOST,)))
