"""Settings: one frozen object from variables, configuration files and defaults; flags override it with `replace`.

Prefect's own names are understood, so that the environment of a Prefect user works, and for the server and runners the
active profile too.  Precedence: flag > FLOWCTL_* > PREFECT_* > Prefect's profile > the project's file > the user's file
(`config_files.py`) > default.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from flowctl import config_files
from flowctl.config_files import Entry
from flowctl.setting_values import read_value


@dataclass(frozen=True, slots=True, kw_only=True)
class OrchestrationSettings:
    """What orchestration rules read; times in seconds."""

    task_run_tag_concurrency_slot_wait_seconds: float = 10.0
    deployment_concurrency_slot_wait_seconds: float = 30.0
    maximum_concurrency_slot_wait_seconds: float = 30.0
    initial_deployment_lease_duration: float = 300.0
    max_cache_key_length: int = 2000
    default_pause_timeout: float = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting, resolved.

    `origins` tells for each field that was set which variable or file set it, `target` which of `api`, `context` and
    `db` says where commands work: the one that the strongest source gives.
    """

    db: Path | None = None
    """Database file; None = the platform's data directory."""
    api: str | None = None
    """The server that commands speak to, instead of the database file (`--api`)."""
    context: str | None = None
    """The named server or file that commands work on (`--context`, `cli/contexts.py`)."""
    busy_timeout: float = 5.0
    """Seconds to wait for another process's write lock (`--wait-lock`)."""
    synchronous: str = "NORMAL"

    host: str = "127.0.0.1"
    port: int = 4200
    api_base_path: str = "/api"
    api_auth_string: str | None = None
    api_default_limit: int = 200
    api_max_parameter_size: int = 512 * 1024
    csrf_enabled: bool = False
    csrf_token_expiration: float = 3600.0
    cors_allowed_origins: str = "*"
    cors_allowed_methods: str = "*"
    cors_allowed_headers: str = "*"
    keepalive_timeout: int = 5
    request_limit: int = 100
    """Write requests that may be queued or running before the next gets 503."""
    log_level: str = "WARNING"

    ui_enabled: bool = True
    ui_api_url: str | None = None
    ui_serve_base: str = "/"
    ui_static_directory: Path | None = None

    services_enabled: bool = True
    services_scheduler_enabled: bool = True
    scheduler_loop_seconds: float = 60.0
    """How often each schedule is looked at; one that was changed, at once."""
    scheduler_min_runs: int = 3
    scheduler_max_runs: int = 100
    scheduler_min_scheduled_time: float = 3600.0
    scheduler_max_scheduled_time: float = 100 * 86400.0
    missed_runs: Literal["skip", "latest", "all"] = "latest"
    """What becomes of scheduled runs that were due while flowctl did not run (`ops/missed_runs.py`)."""
    services_late_runs_enabled: bool = True
    services_late_runs_loop_seconds: float = 5.0
    services_late_runs_after_seconds: float = 15.0
    services_foreman_enabled: bool = True
    services_foreman_loop_seconds: float = 15.0
    foreman_inactivity_heartbeat_multiple: int = 3
    """Heartbeats that a worker may miss before it is OFFLINE."""
    foreman_fallback_heartbeat_interval_seconds: float = 30.0
    foreman_deployment_last_polled_timeout_seconds: float = 60.0
    foreman_work_queue_last_polled_timeout_seconds: float = 60.0
    services_pause_expirations_enabled: bool = True
    services_pause_expirations_loop_seconds: float = 5.0
    services_cancellation_cleanup_enabled: bool = True
    services_cancellation_cleanup_loop_seconds: float = 20.0
    cancellation_cleanup_cancelling_timeout_seconds: float = 300.0
    """How long a run may be CANCELLING."""
    services_repossessor_enabled: bool = True
    services_repossessor_loop_seconds: float = 15.0
    services_reaper_enabled: bool = True
    """Mark runs Crashed whose process died (`ops/reap.py`)."""
    reaper_after_seconds: float = 90.0
    """How long such a run must have been silent."""
    reaper_heartbeats_alone_seconds: float = 0.0
    """How long a run may send no heartbeats, if its process cannot be looked at; 0: for ever."""
    metrics_enabled: bool = True
    services_retention_enabled: bool = True
    log_search_enabled: bool = True
    """Keep an index of log messages, and search by it (`ops/log_search.py`)."""
    services_triggers_enabled: bool = True
    services_event_persister_enabled: bool = True
    services_task_run_recorder_enabled: bool = True
    database_migrate_on_start: bool = True
    block_auto_registration: bool = True
    events_retention_period: float = 7 * 86400.0
    """Seconds."""
    events_websocket_backfill_page_size: int = 250
    events_maximum_websocket_backfill: float = 15 * 60.0
    """Seconds that a new listener on `/events/out` may look back."""
    events_maximum_event_size: int = 1_500_000
    """Bytes; a longer event on `/events/in` is refused."""
    logs_stream_out_enabled: bool = True
    graph_maximum_nodes: int = 10_000
    """Runs in the graph of a flow run; a larger graph is refused."""
    graph_maximum_artifacts: int = 10_000

    api_url: str | None = None
    """The API that runners talk to; None = that of a server on `host` and `port`."""
    api_key: str | None = None
    client_auth_string: str | None = None
    """`user:password` that a client sends."""
    runner_poll_frequency: float = 10.0
    """Seconds between two polls for scheduled runs."""
    runner_prefetch_seconds: float = 10.0
    """How long before its time a run is fetched."""
    runner_process_limit: int = 5
    runner_server_enabled: bool = False
    runner_server_host: str = "localhost"
    runner_server_port: int = 8080
    runner_server_log_level: str = "ERROR"
    runner_server_missed_polls_tolerance: int = 2

    orchestration: OrchestrationSettings = field(default_factory=OrchestrationSettings)
    origins: Mapping[str, str] = field(default_factory=dict[str, str], compare=False)
    target: str | None = field(default=None, compare=False)


# field -> the variables that set it, the strongest first; "orchestration." marks those of OrchestrationSettings
VARIABLES: dict[str, tuple[str, ...]] = {
    "db": ("FLOWCTL_DB",),
    "api": ("FLOWCTL_API",),
    "context": ("FLOWCTL_CONTEXT",),
    "busy_timeout": ("FLOWCTL_WAIT_LOCK", "PREFECT_SERVER_DATABASE_TIMEOUT", "PREFECT_API_DATABASE_TIMEOUT"),
    "synchronous": ("FLOWCTL_SYNCHRONOUS",),
    "host": ("FLOWCTL_HOST", "PREFECT_SERVER_API_HOST"),
    "port": ("FLOWCTL_PORT", "PREFECT_SERVER_API_PORT"),
    "api_base_path": ("FLOWCTL_API_BASE_PATH", "PREFECT_SERVER_API_BASE_PATH"),
    "api_auth_string": ("FLOWCTL_AUTH_STRING", "PREFECT_SERVER_API_AUTH_STRING"),
    "api_default_limit": ("PREFECT_SERVER_API_DEFAULT_LIMIT", "PREFECT_API_DEFAULT_LIMIT"),
    "api_max_parameter_size": ("PREFECT_SERVER_API_MAX_PARAMETER_SIZE",),
    "csrf_enabled": ("FLOWCTL_CSRF", "PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED", "PREFECT_SERVER_CSRF_PROTECTION_ENABLED"),
    "csrf_token_expiration": ("PREFECT_SERVER_API_CSRF_TOKEN_EXPIRATION", "PREFECT_SERVER_CSRF_TOKEN_EXPIRATION"),
    "cors_allowed_origins": ("FLOWCTL_CORS_ORIGINS", "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS", "PREFECT_SERVER_CORS_ALLOWED_ORIGINS"),
    "cors_allowed_methods": ("PREFECT_SERVER_API_CORS_ALLOWED_METHODS", "PREFECT_SERVER_CORS_ALLOWED_METHODS"),
    "cors_allowed_headers": ("PREFECT_SERVER_API_CORS_ALLOWED_HEADERS", "PREFECT_SERVER_CORS_ALLOWED_HEADERS"),
    "keepalive_timeout": ("PREFECT_SERVER_API_KEEPALIVE_TIMEOUT",),
    "request_limit": ("FLOWCTL_REQUEST_LIMIT",),
    "log_level": ("FLOWCTL_LOG_LEVEL", "PREFECT_SERVER_LOGGING_LEVEL", "PREFECT_LOGGING_SERVER_LEVEL"),
    "ui_enabled": ("FLOWCTL_UI", "PREFECT_SERVER_UI_ENABLED", "PREFECT_UI_ENABLED"),
    "ui_api_url": ("FLOWCTL_UI_API_URL", "PREFECT_SERVER_UI_API_URL", "PREFECT_UI_API_URL"),
    "ui_serve_base": ("FLOWCTL_BASE_PATH", "PREFECT_SERVER_UI_SERVE_BASE", "PREFECT_UI_SERVE_BASE"),
    "ui_static_directory": ("FLOWCTL_UI_STATIC_DIRECTORY", "PREFECT_SERVER_UI_STATIC_DIRECTORY", "PREFECT_UI_STATIC_DIRECTORY"),
    "services_enabled": ("FLOWCTL_SERVICES",),
    "services_scheduler_enabled": ("PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED", "PREFECT_API_SERVICES_SCHEDULER_ENABLED"),
    "scheduler_loop_seconds": ("PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS", "PREFECT_API_SERVICES_SCHEDULER_LOOP_SECONDS"),
    "scheduler_min_runs": ("PREFECT_SERVER_SERVICES_SCHEDULER_MIN_RUNS", "PREFECT_API_SERVICES_SCHEDULER_MIN_RUNS"),
    "scheduler_max_runs": ("PREFECT_SERVER_SERVICES_SCHEDULER_MAX_RUNS", "PREFECT_API_SERVICES_SCHEDULER_MAX_RUNS"),
    "scheduler_min_scheduled_time": ("PREFECT_SERVER_SERVICES_SCHEDULER_MIN_SCHEDULED_TIME", "PREFECT_API_SERVICES_SCHEDULER_MIN_SCHEDULED_TIME"),
    "scheduler_max_scheduled_time": ("PREFECT_SERVER_SERVICES_SCHEDULER_MAX_SCHEDULED_TIME", "PREFECT_API_SERVICES_SCHEDULER_MAX_SCHEDULED_TIME"),
    "missed_runs": ("FLOWCTL_MISSED_RUNS",),
    "services_late_runs_enabled": ("PREFECT_SERVER_SERVICES_LATE_RUNS_ENABLED", "PREFECT_API_SERVICES_LATE_RUNS_ENABLED"),
    "services_late_runs_after_seconds": ("PREFECT_SERVER_SERVICES_LATE_RUNS_AFTER_SECONDS", "PREFECT_API_SERVICES_LATE_RUNS_AFTER_SECONDS"),
    "services_late_runs_loop_seconds": ("PREFECT_SERVER_SERVICES_LATE_RUNS_LOOP_SECONDS", "PREFECT_API_SERVICES_LATE_RUNS_LOOP_SECONDS"),
    "services_foreman_enabled": ("PREFECT_SERVER_SERVICES_FOREMAN_ENABLED", "PREFECT_API_SERVICES_FOREMAN_ENABLED"),
    "services_foreman_loop_seconds": ("PREFECT_SERVER_SERVICES_FOREMAN_LOOP_SECONDS", "PREFECT_API_SERVICES_FOREMAN_LOOP_SECONDS"),
    "foreman_inactivity_heartbeat_multiple": ("PREFECT_SERVER_SERVICES_FOREMAN_INACTIVITY_HEARTBEAT_MULTIPLE", "PREFECT_API_SERVICES_FOREMAN_INACTIVITY_HEARTBEAT_MULTIPLE"),
    "foreman_fallback_heartbeat_interval_seconds": ("PREFECT_SERVER_SERVICES_FOREMAN_FALLBACK_HEARTBEAT_INTERVAL_SECONDS", "PREFECT_API_SERVICES_FOREMAN_FALLBACK_HEARTBEAT_INTERVAL_SECONDS"),
    "foreman_deployment_last_polled_timeout_seconds": ("PREFECT_SERVER_SERVICES_FOREMAN_DEPLOYMENT_LAST_POLLED_TIMEOUT_SECONDS", "PREFECT_API_SERVICES_FOREMAN_DEPLOYMENT_LAST_POLLED_TIMEOUT_SECONDS"),
    "foreman_work_queue_last_polled_timeout_seconds": ("PREFECT_SERVER_SERVICES_FOREMAN_WORK_QUEUE_LAST_POLLED_TIMEOUT_SECONDS", "PREFECT_API_SERVICES_FOREMAN_WORK_QUEUE_LAST_POLLED_TIMEOUT_SECONDS"),
    "services_pause_expirations_enabled": ("PREFECT_SERVER_SERVICES_PAUSE_EXPIRATIONS_ENABLED", "PREFECT_API_SERVICES_PAUSE_EXPIRATIONS_ENABLED"),
    "services_pause_expirations_loop_seconds": ("PREFECT_SERVER_SERVICES_PAUSE_EXPIRATIONS_LOOP_SECONDS", "PREFECT_API_SERVICES_PAUSE_EXPIRATIONS_LOOP_SECONDS"),
    "services_cancellation_cleanup_enabled": ("PREFECT_SERVER_SERVICES_CANCELLATION_CLEANUP_ENABLED", "PREFECT_API_SERVICES_CANCELLATION_CLEANUP_ENABLED"),
    "services_cancellation_cleanup_loop_seconds": ("PREFECT_SERVER_SERVICES_CANCELLATION_CLEANUP_LOOP_SECONDS", "PREFECT_API_SERVICES_CANCELLATION_CLEANUP_LOOP_SECONDS"),
    "cancellation_cleanup_cancelling_timeout_seconds": ("PREFECT_SERVER_SERVICES_CANCELLATION_CLEANUP_CANCELLING_TIMEOUT_SECONDS",),
    "services_repossessor_enabled": ("PREFECT_SERVER_SERVICES_REPOSSESSOR_ENABLED",),
    "services_repossessor_loop_seconds": ("PREFECT_SERVER_SERVICES_REPOSSESSOR_LOOP_SECONDS",),
    "services_reaper_enabled": ("FLOWCTL_REAPER",),
    "reaper_after_seconds": ("FLOWCTL_REAPER_AFTER",),
    "reaper_heartbeats_alone_seconds": ("FLOWCTL_REAPER_HEARTBEATS_ALONE",),
    "metrics_enabled": ("FLOWCTL_METRICS", "PREFECT_SERVER_METRICS_ENABLED"),
    "services_retention_enabled": ("FLOWCTL_RETENTION",),
    "log_search_enabled": ("FLOWCTL_LOG_SEARCH",),
    "services_triggers_enabled": ("PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED", "PREFECT_API_SERVICES_TRIGGERS_ENABLED"),
    "services_event_persister_enabled": ("PREFECT_SERVER_SERVICES_EVENT_PERSISTER_ENABLED", "PREFECT_API_SERVICES_EVENT_PERSISTER_ENABLED"),
    "services_task_run_recorder_enabled": ("PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_ENABLED", "PREFECT_API_SERVICES_TASK_RUN_RECORDER_ENABLED"),
    "database_migrate_on_start": ("PREFECT_SERVER_DATABASE_MIGRATE_ON_START", "PREFECT_API_DATABASE_MIGRATE_ON_START"),
    "block_auto_registration": ("PREFECT_SERVER_API_BLOCKS_REGISTER_ON_START", "PREFECT_API_BLOCKS_REGISTER_ON_START"),
    "events_retention_period": ("PREFECT_SERVER_EVENTS_RETENTION_PERIOD", "PREFECT_EVENTS_RETENTION_PERIOD"),
    "events_websocket_backfill_page_size": ("PREFECT_SERVER_EVENTS_WEBSOCKET_BACKFILL_PAGE_SIZE",),
    "events_maximum_websocket_backfill": ("PREFECT_SERVER_EVENTS_MAXIMUM_WEBSOCKET_BACKFILL", "PREFECT_EVENTS_MAXIMUM_WEBSOCKET_BACKFILL"),
    "events_maximum_event_size": ("PREFECT_SERVER_EVENTS_MAXIMUM_SIZE_BYTES", "PREFECT_EVENTS_MAXIMUM_SIZE_BYTES"),
    "logs_stream_out_enabled": ("PREFECT_SERVER_LOGS_STREAM_OUT_ENABLED",),
    "graph_maximum_nodes": ("PREFECT_SERVER_FLOW_RUN_GRAPH_MAX_NODES", "PREFECT_API_MAX_FLOW_RUN_GRAPH_NODES"),
    "graph_maximum_artifacts": ("PREFECT_SERVER_FLOW_RUN_GRAPH_MAX_ARTIFACTS", "PREFECT_API_MAX_FLOW_RUN_GRAPH_ARTIFACTS"),
    "api_url": ("FLOWCTL_API_URL", "PREFECT_API_URL"),
    "api_key": ("FLOWCTL_API_KEY", "PREFECT_API_KEY"),
    "client_auth_string": ("FLOWCTL_CLIENT_AUTH_STRING", "PREFECT_API_AUTH_STRING"),
    "runner_poll_frequency": ("FLOWCTL_RUNNER_POLL_FREQUENCY", "PREFECT_RUNNER_POLL_FREQUENCY"),
    "runner_prefetch_seconds": ("FLOWCTL_RUNNER_PREFETCH_SECONDS",),
    "runner_process_limit": ("FLOWCTL_RUNNER_PROCESS_LIMIT", "PREFECT_RUNNER_PROCESS_LIMIT"),
    "runner_server_enabled": ("FLOWCTL_RUNNER_SERVER_ENABLE", "PREFECT_RUNNER_SERVER_ENABLE"),
    "runner_server_host": ("FLOWCTL_RUNNER_SERVER_HOST", "PREFECT_RUNNER_SERVER_HOST"),
    "runner_server_port": ("FLOWCTL_RUNNER_SERVER_PORT", "PREFECT_RUNNER_SERVER_PORT"),
    "runner_server_log_level": ("FLOWCTL_RUNNER_SERVER_LOG_LEVEL", "PREFECT_RUNNER_SERVER_LOG_LEVEL"),
    "runner_server_missed_polls_tolerance": ("FLOWCTL_RUNNER_SERVER_MISSED_POLLS_TOLERANCE", "PREFECT_RUNNER_SERVER_MISSED_POLLS_TOLERANCE"),
    "orchestration.task_run_tag_concurrency_slot_wait_seconds": ("PREFECT_SERVER_TASKS_TAG_CONCURRENCY_SLOT_WAIT_SECONDS", "PREFECT_TASK_RUN_TAG_CONCURRENCY_SLOT_WAIT_SECONDS"),
    "orchestration.deployment_concurrency_slot_wait_seconds": ("PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS", "PREFECT_DEPLOYMENT_CONCURRENCY_SLOT_WAIT_SECONDS"),
    "orchestration.maximum_concurrency_slot_wait_seconds": ("PREFECT_SERVER_CONCURRENCY_MAXIMUM_CONCURRENCY_SLOT_WAIT_SECONDS",),
    "orchestration.initial_deployment_lease_duration": ("PREFECT_SERVER_CONCURRENCY_INITIAL_DEPLOYMENT_LEASE_DURATION",),
    "orchestration.max_cache_key_length": ("PREFECT_SERVER_TASKS_MAX_CACHE_KEY_LENGTH", "PREFECT_API_TASK_CACHE_KEY_MAX_LENGTH"),
}  # fmt: skip


TARGETS = ("api", "context", "db")
"""The settings that say where commands work; among those of one source the first counts."""

SECRETS = frozenset({"api_auth_string", "api_key", "client_auth_string"})
"""Settings that are shown masked."""


def load(
    environ: Mapping[str, str] | None = None, *, profile: bool = False, files: Sequence[Path] | None = None
) -> Settings:
    """Resolve the settings of this process.

    environ  variables, instead of the process's own
    profile  also read the active profile of the Prefect user (`prefect config set …`), below the environment
    files    configuration files, the strongest first; those of user and project if the process's own variables are read
    Raises ValueError, naming the variable or file, when a value cannot be read or a file has a key that is unknown.
    """
    env = os.environ if environ is None else environ
    if files is None:
        files = config_files.found(env) if environ is None else ()
    sources = [_Source.of_variables(env)]
    if profile:
        sources.append(_prefect_profile(env))
    sources += [_Source.of_entries(config_files.read(path, VARIABLES).values()) for path in files]
    return _resolve(sources)


def problems(path: Path) -> list[str]:
    """Everything that is wrong with a configuration file, also with what a stronger source overrides."""
    try:
        entries, found = config_files.scan(path, VARIABLES)
    except ValueError as error:
        return [str(error)]
    return found + _unreadable(_Source.of_entries(entries.values()))


def variable_problems(env: Mapping[str, str]) -> list[str]:
    """Values of variables that cannot be read."""
    return _unreadable(_Source.of_variables(env))


class _Source:
    """What one place sets: for each setting what messages call it, the text, and where it is from."""

    def __init__(self) -> None:
        self.given: dict[str, tuple[str, str, str]] = {}

    @classmethod
    def of_variables(cls, env: Mapping[str, str], where: str = "") -> _Source:
        source = cls()
        for name, variables in VARIABLES.items():
            for variable in variables:
                text = env.get(variable, "").strip()
                if text:
                    source.given[name] = f"{variable}={text}", text, variable + where
                    break
        return source

    @classmethod
    def of_entries(cls, entries: Iterable[Entry]) -> _Source:
        source = cls()
        source.given = {e.key.replace("-", "_"): (e.label, e.text, str(e.path)) for e in entries if e.text}
        return source


def _resolve(sources: Sequence[_Source]) -> Settings:
    """Settings from sources, the strongest first."""
    given: dict[str, tuple[str, str, str]] = {}
    for source in reversed(sources):
        given |= source.given
    types = setting_types()
    values: dict[str, Any] = {}
    orchestration: dict[str, Any] = {}
    for name, (label, text, _) in given.items():
        section, _, key = name.rpartition(".")
        (orchestration if section else values)[key] = read_value(name, text, types[name], label)
    return Settings(
        **values,
        orchestration=OrchestrationSettings(**orchestration),
        origins={name: origin for name, (_, _, origin) in given.items()},
        target=next((name for source in sources for name in TARGETS if name in source.given), None),
    )


def _unreadable(source: _Source) -> list[str]:
    types = setting_types()
    found: list[str] = []
    for name, (label, text, _) in source.given.items():
        try:
            read_value(name, text, types[name], label)
        except ValueError as error:
            found.append(str(error))
    return found


def setting_types() -> dict[str, str]:
    """The annotation of each setting, by name."""
    types = {f.name: str(f.type) for f in fields(Settings)}
    return types | {f"orchestration.{f.name}": str(f.type) for f in fields(OrchestrationSettings)}


def database_path(settings: Settings) -> Path:
    """The database file to use: the configured one, or `flowctl.db` in the platform's data directory."""
    if settings.db is not None:
        return settings.db
    from platformdirs import user_data_path  # noqa: PLC0415 - start-up budget

    return user_data_path("flowctl", appauthor=False) / "flowctl.db"


def prefect_home(env: Mapping[str, str]) -> Path:
    """The directory in which Prefect keeps its files."""
    return Path(env.get("PREFECT_HOME", "~/.prefect")).expanduser()


def prefect_profiles_path(env: Mapping[str, str]) -> Path:
    """The file with Prefect's profiles."""
    return Path(env.get("PREFECT_PROFILES_PATH", str(prefect_home(env) / "profiles.toml"))).expanduser()


def _prefect_profile(env: Mapping[str, str]) -> _Source:
    """The variables of the active Prefect profile; none without a profiles file."""
    path = prefect_profiles_path(env)
    if not path.is_file():
        return _Source()
    import tomllib  # noqa: PLC0415 - start-up budget

    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from None
    active = env.get("PREFECT_PROFILE") or content.get("active", "")
    profile = content.get("profiles", {}).get(active, {})
    variables = {name: str(value) for name, value in profile.items() if name.startswith("PREFECT_")}
    return _Source.of_variables(variables, f" of Prefect's profile {active!r}")
