"""Conversations recorded between Prefect's client 3.8.1 and its server, replayed with this server.

The recordings were made one after the other with one server, and later ones speak of what earlier ones made: here, too,
they follow each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from contract.replayer import Difference, Replayer, read
from processes import serving

pytestmark = pytest.mark.e2e
RECORDINGS = sorted((Path(__file__).parent / "recordings").glob("*.jsonl.gz"))

DUE_AT_ONCE = "Prefect let a scheduled run wait for its time; the run that stands in for it is due at once"
FULL_STILL = "the client waited for a slot of a rate limit to decay; the replay does not wait"
NOT_COMPARED: dict[str, dict[int, str]] = {
    "05-failing-flows": {
        31: "asked for before Prefect had written the event; flowctl has written it",
    },
    "09-serve-run-deployment": {
        141: DUE_AT_ONCE,
        265: DUE_AT_ONCE,
        306: DUE_AT_ONCE,
        253: "the heartbeat came from a flow's process, on a socket that the recording does not show",
    },
    "10-suspend-resume": {
        105: DUE_AT_ONCE,
    },
    "13-process-worker": {
        130: "Prefect could not store a heartbeat, as its database was busy, and closed the socket",
    },
    "15-global-concurrency": {
        52: FULL_STILL,
        54: FULL_STILL,
    },
    "27-http-probes": {
        7: "/ready shows the state of the services, as flowctl's issue asks",
        55: "Prefect answers 500 to resuming a run that does not exist",
        67: "Prefect answers 500 to an input whose key is malformed",
        85: "the check for a list has another name: list_type instead of is_instance_of",
        215: "the recording does not keep the headers that make it a CORS preflight",
        235: "a frame that is no JSON: Prefect's connection breaks (1006), flowctl closes it with a code",
    },
}
"""Exchanges that are sent, but whose answer is another one for a good reason."""


class Session:
    """One server, and the differences of each recording replayed with it so far."""

    def __init__(self, base: str) -> None:
        self._replayer = Replayer(base)
        self._found: dict[Path, list[Difference]] = {}

    def differences(self, recording: Path) -> list[Difference]:
        """Replay what comes before this recording, and it."""
        for path in RECORDINGS[: RECORDINGS.index(recording) + 1]:
            if path not in self._found:
                self._found[path] = self._replayer.play(read(path))
        return self._found[recording]


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    with serving(tmp_path_factory.mktemp("recordings") / "flowctl.db") as server:
        yield Session(server.url)


@pytest.mark.parametrize("recording", [pytest.param(path, id=path.name.partition(".")[0]) for path in RECORDINGS])
def test_statuses_and_shapes_are_as_recorded(session: Session, recording: Path) -> None:
    excused = NOT_COMPARED.get(recording.name.partition(".")[0], {})
    differences = [str(each) for each in session.differences(recording) if each.seq not in excused]
    assert differences == []
