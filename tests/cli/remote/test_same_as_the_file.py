"""Commands do and print the same by the file and, with `--api`, by a flowctl server that works on the same file."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from pathlib import Path

import pytest
from deployed import deploy_some
from live_server import served

from flowctl.cli import flags
from flowctl.cli.api.server import ServerDoor
from flowctl.cli.local.backend import Local
from flowctl.cli.remote.backend import Remote
from flowctl.cli.run_query import RunQuery
from flowctl.db.database import Database
from flowctl.domain.deployments import DeploymentFlowRunCreate
from flowctl.domain.errors import FlowctlError, NotFound
from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.states import StateType
from flowctl.ops import absences, deployment_runs
from flowctl.settings import Settings

Compare = Callable[[Iterable[str]], dict[str, tuple[str, str]]]
"""Runs command lines both ways, and gives what they print where it differs."""

CHANGING = re.compile(r"(?<![\w-])(\d+\.\d+|\d+[smhd](\d\d[smh])?)(?![\w-])")
"""Durations up to now."""


def shown(result) -> str:
    return CHANGING.sub("~", f"{result.code}\n{result.out}\n{result.err}")


@pytest.fixture
def runs(world, three: list[FlowRun], db_path: Path) -> list[FlowRun]:
    """`three`, and runs that are late, paused, cancelled, crashed, called by others or made by a deployment."""
    world.run("child", (StateType.RUNNING, 25), (StateType.CRASHED, 23), parent=three[0])
    late = world.run("waiting", (StateType.SCHEDULED, 21))
    world.move(late, StateType.SCHEDULED, 21, scheduled_time=world.ago(20))
    world.run("stuck", (StateType.PENDING, 6), flow="report", parameters={"n": 5.0, "list": [1, 2], "none": None})
    world.run("paused", (StateType.RUNNING, 70), (StateType.PAUSED, 65), tags=("prod",))
    world.run("twin", (StateType.RUNNING, 80), (StateType.COMPLETED, 75))
    world.run("twin", (StateType.RUNNING, 82), (StateType.CANCELLED, 71), flow="report")
    manual = deploy_some(db_path)["manual"]
    database = Database(db_path)
    with database.write() as tx:
        absences.notice(tx)  # a server is there, also for those who look at the file
        deployment_runs.create(tx, manual.id, DeploymentFlowRunCreate(name="by-hand"))
    database.close()
    return three


@pytest.fixture
def compare(cli, runs: list[FlowRun], db_path: Path) -> Generator[Compare]:
    with served(Settings(db=db_path)) as url:

        def compare(lines: Iterable[str]) -> dict[str, tuple[str, str]]:
            answers = {
                line: (shown(cli(*line.split(), "--db", str(db_path))), shown(cli(*line.split(), "--api", url)))
                for line in lines
            }
            return {line: both for line, both in answers.items() if both[0] != both[1]}

        yield compare


def test_lists_of_runs_in_all_formats(compare: Compare) -> None:
    formats = (
        "-o table",
        "-o wide",
        "-o csv",
        "--json",
        "-o jsonl",
        "-o yaml",
        "-q",
        "--fields name,state.message,tags",
    )
    assert compare(f"runs ls {format}" for format in formats) == {}


FILTERS: list[dict[str, object]] = [
    {},
    {"state": ["failed"]},
    {"state": ["RUNNING,completed"]},
    {"state": ["failed", "running"]},
    {"state": ["late,crashed"]},
    {"state": ["no-such"]},
    {"state": ["no-such,FAILED"]},
    {"flow": ["report"]},
    {"flow": ["etl", "report"]},
    {"deployment": ["etl/manual"]},
    {"deployment": ["manual"], "state": ["scheduled"]},
    {"no_deployment": True},
    {"no_deployment": True, "deployment": ["manual"]},
    {"pool": ["gpu"]},
    {"pool": ["none"]},
    {"queue": ["default"]},
    {"tag": ["prod"]},
    {"tag": ["prod", "db"]},
    {"any_tag": ["db", "other"]},
    {"tag": ["prod"], "any_tag": ["db"]},
    *(
        {"name": name}
        for name in ("*-otter", "[bc]*", "[^bc]*", "brisk?otter", "BRISK*", "o*-cr[a-b]ne", "a[b", "twin")
    ),
    *({"param": [pair]} for pair in ("n=5", "n=5.0", "env=prod", 'deep={"er":true}', "list=[1,2]", "none=null")),
    {"param": ["env=prod", "deep.er=true"]},
    {"param": ["missing=null"]},
    {"since": "45m"},
    {"until": "45m"},
    {"since": "45m", "until": "20m"},
    {"older_than": "20m"},
    {"older_than": "20m", "until": "30m"},
    {"late": True},
    {"late": True, "state": ["failed"]},
    {"stuck": True},
    {"stuck": True, "late": True},
    {"root": True},
    {"parent": "odd-crane"},
    {"parent": "@running"},
    *({"sort": sort, "limit": 3, "state": ["completed,failed,crashed,running"]} for sort in flags.RUN_SORTS),
    {"limit": 1},
    {"limit": 4, "name": "*t*"},
    {"all": True},
    {"flow": ["nope"]},
    {"deployment": ["nope"]},
    {"parent": "nope"},
    {"parent": "twin"},
    {"since": "nope"},
    {"older_than": "99999999d"},
    {"param": ["nope"]},
]


def test_filters_orders_and_limits(runs: list[FlowRun], db_path: Path) -> None:
    settings = Settings(db=db_path)
    with (
        served(settings) as url,
        closing(Local(db_path, settings)) as local,
        closing(ServerDoor(url, settings)) as door,
    ):
        remote = Remote(door)
        for given in FILTERS:
            here, there = found(local, RunQuery(given)), found(remote, RunQuery(given))
            assert here == there, given


def found(backend: Local | Remote, query: RunQuery) -> object:
    """The names of what is found with the reasons, whether there is more, and what goes wrong."""
    try:
        lines, more = backend.runs.lines(query)
        objects = [run["id"] for run in backend.runs.objects(query)]
    except FlowctlError as error:
        return type(error), str(error), error.remedy, error.candidates if isinstance(error, NotFound) else ()
    return [(line.name, line.flow, line.state_name, line.pool, line.reason) for line in lines], more, objects


def test_filters_are_flags(compare: Compare) -> None:
    lines = ("--state failed,crashed --flow etl", "--late --name w*", "--tag prod --sort name --limit 1", "--flow nope")
    assert compare(f"runs ls {line}" for line in lines) == {}


def test_one_run(compare: Compare, runs: list[FlowRun]) -> None:
    id = str(runs[0].id)
    named = [
        id,
        id.upper(),
        id.replace("-", ""),
        id[:4],
        id[:13],
        "odd-crane",
        "child",
        "by-hand",
        "@last",
        "@last-failed",
    ]
    wrong = ["@nothing", "nobody", "abcd", "twin", "nobody brisk-otter"]
    commands = [f"runs show {name}" for name in (*named, "@running", *wrong)]
    commands += [f"runs {verb} {name}" for verb in ("history", "logs") for name in ("brisk-otter", "child", "twin")]
    commands += [f"runs show {format} {id} brisk-otter" for format in ("--json", "-o csv", "-q", "-o yaml")]
    commands += [
        f"{way} {name}" for way in ("why", "runs why --json") for name in ("brisk-otter", "calm-lynx", "child")
    ]
    commands += ["runs wait brisk-otter", "runs wait --json calm-lynx brisk-otter", "runs wait @running --timeout 1s"]
    assert compare(commands) == {}


def test_log_lines(compare: Compare) -> None:
    options = ("-n 1", "--head 1", "--level warning", "--since 57m", "-r", "--json", "-o csv", "-q", "-f -o jsonl")
    assert compare(f"runs logs brisk-otter {flag}" for flag in options) == {}
    assert compare(["runs logs brisk-otter calm-lynx", "runs logs brisk-otter --level nope"]) == {}


def test_flows(compare: Compare) -> None:
    options = ("", "--json", "-o csv", "-q", "--name e*", "--name nope", "--tag nope", "--limit 1")
    orders = flags.FLOW_SORTS
    commands = [f"flows ls {flag}" for flag in (*options, *(f"--sort {order}" for order in orders))]
    commands += [f"flows show {flag}" for flag in ("etl", "report", "nope", "etl --json", "report -o csv")]
    assert compare(commands) == {}


def test_deployments(compare: Compare) -> None:
    commands = ["ls", "ls --json", "ls -o csv", "show etl/manual --json", "show manual", "show nope", "show etl/nope"]
    assert compare(f"deployments {command}" for command in commands) == {}


def test_status(cli, runs: list[FlowRun], db_path: Path) -> None:
    with served(Settings(db=db_path)) as url:
        here, there = cli("status", "--json").json, cli("status", "--json", "--api", url).json
        for key in ("runs", "next_runs"):
            assert here[key] == there[key]
        assert there["database"]["path"] == str(db_path)
        assert there["server"]["message"] == "OK"
        lines = cli("status", "--api", url).lines
    assert [line.split()[0] for line in lines] == ["database", "disk", "server", "runs", "next"]
    assert f"{url}  flowctl " in lines[2]


CHANGES = """
runs set-state calm-lynx completed -m because --force
runs set-state calm-lynx running
runs set-state odd-crane cached --expect failed
runs set-state odd-crane completed --expect running --json
runs set-state odd-crane nope
runs set-state nobody failed
runs resume brisk-otter
runs resume paused -q
runs cancel waiting -m enough
runs cancel paused -m never
runs cancel --state pending -y
runs cancel brisk-otter
runs cancel --state scheduled
runs cancel --state crashed -y
runs reap
runs reap --dry-run --json
deployments pause etl/nightly
deployments resume nightly
""".strip().splitlines()

AFTERWARDS = """
    SELECT flow_run.name, state.type, state.name, state.message
    FROM flow_run_state AS state JOIN flow_run ON flow_run.id = state.flow_run_id
    ORDER BY state.timestamp, flow_run.name
"""


def test_changes(cli, runs: list[FlowRun], db_path: Path, tmp_path: Path) -> None:
    twin = tmp_path / "twin.db"
    with closing(sqlite3.connect(db_path)) as connection:
        connection.execute("VACUUM INTO ?", (str(twin),))
    with served(Settings(db=twin)) as url:
        for line in CHANGES:
            words = line.split()
            here, there = cli(*words, "--db", str(db_path)), cli(*words, "--api", url)
            assert _without_ids(shown(there)) == _without_ids(shown(here)), line
    states = []
    for path in (db_path, twin):
        with closing(sqlite3.connect(path)) as connection:
            states.append(connection.execute(AFTERWARDS).fetchall())
    assert states[0] == states[1]


def _without_ids(text: str) -> str:
    """New states have ids and times of their own."""
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", text)
    return re.sub(r"\d{4}-\d\d-\d\dT[\d:.~]+Z", "TIME", text)


def test_dry_runs_change_nothing(cli, runs: list[FlowRun], db_path: Path) -> None:
    with served(Settings(db=db_path)) as url:
        for line, code in (
            ("runs set-state odd-crane failed", 0),
            ("runs set-state odd-crane failed --expect running", 0),
            ("runs set-state odd-crane failed --expect late", 4),
            ("runs set-state odd-crane pending", 4),
            ("runs resume paused", 0),
            ("runs resume odd-crane", 4),
            ("runs cancel waiting", 0),
            ("runs cancel paused", 0),
        ):
            words = (*line.split(), "--dry-run")
            there = cli(*words, "--api", url)
            assert (there.code, there.out, there.err) == (code, *_told(cli(*words))), line
        assert cli("runs", "cancel", "--root", "--dry-run", "--api", url).code == 0
        assert cli("runs", "ls", "-q", "--state", "running", "--api", url).lines == [str(runs[0].id)]


def _told(result) -> tuple[str, str]:
    return result.out, result.err


def test_the_list_is_the_apis_answer(cli, runs: list[FlowRun], db_path: Path) -> None:
    import httpx

    body = {"flow_runs": {"state": {"type": {"any_": ["FAILED", "CRASHED"]}}}, "sort": "START_TIME_DESC", "limit": 50}
    with served(Settings(db=db_path)) as url:
        answer = httpx.post(f"{url}/flow_runs/filter", json=body).json()
        for way in (["--api", url], []):
            assert cli("runs", "ls", "--state", "failed,crashed", "--json", *way).json == answer


@pytest.mark.parametrize("command", ["db stats", "db check", "db prune --dry-run", "db query 1", "doctor", "serve"])
def test_what_only_the_file_can_do(cli, command: str) -> None:
    result = cli(*command.split(), "--api", "http://127.0.0.1:1/api")
    assert (result.code, result.out) == (2, "")
    assert "leave out --api" in result.err


@pytest.mark.parametrize("command", ["runs ls", "runs show x", "flows ls", "status", "logs tail", "runs cancel --late"])
def test_nobody_answers(cli, command: str) -> None:
    result = cli(*command.split(), "--api", "http://127.0.0.1:1/api")
    assert (result.code, result.out) == (9, "")
    assert "No server answers at http://127.0.0.1:1/api" in result.err
    assert "Traceback" not in result.err


def test_credentials_are_asked_for(cli, db_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(Settings(db=db_path, api_auth_string="ada:secret")) as url:
        result = cli("runs", "ls", "--api", url)
        assert (result.code, result.out) == (8, "")
        assert "asks for credentials" in result.err
        monkeypatch.setenv("PREFECT_API_AUTH_STRING", "ada:secret")
        assert cli("runs", "ls", "--api", url).code == 0
