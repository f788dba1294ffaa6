"""Prefect's settings tree, as its UI and CLI read it: Prefect's defaults with flowctl's values in their places."""

from __future__ import annotations

import json
import os
from importlib.resources import files
from typing import Any

from flowctl.settings import Settings, prefect_home, prefect_profiles_path

_OBFUSCATED = "********"


def tree(settings: Settings) -> dict[str, Any]:
    """The whole tree, which Prefect's own class of settings can read; the auth string is obfuscated."""
    text = (files("flowctl.server") / "data" / "prefect_settings.json").read_text()
    tree: dict[str, Any] = json.loads(text)
    home = prefect_home(os.environ)
    tree |= {"home": str(home), "profiles_path": str(prefect_profiles_path(os.environ))}
    tree["logging"]["config_path"] = str(home / "logging.yml")
    tree["results"]["local_storage_path"] = str(home / "storage")
    server = tree["server"]
    server["memo_store_path"] = str(home / "memo_store.toml")
    server["analytics_enabled"] = False  # nothing is sent anywhere
    server["logging_level"] = settings.log_level
    server["metrics_enabled"] = settings.metrics_enabled
    server["register_blocks_on_start"] = settings.block_auto_registration
    server["api"] |= {
        "auth_string": _OBFUSCATED if settings.api_auth_string else None,
        "host": settings.host,
        "port": settings.port,
        "base_path": None if settings.api_base_path == "/api" else settings.api_base_path,
        "default_limit": settings.api_default_limit,
        "keepalive_timeout": settings.keepalive_timeout,
        "csrf_protection_enabled": settings.csrf_enabled,
        "csrf_token_expiration": _duration(settings.csrf_token_expiration),
        "cors_allowed_origins": settings.cors_allowed_origins,
        "cors_allowed_methods": settings.cors_allowed_methods,
        "cors_allowed_headers": settings.cors_allowed_headers,
        "max_parameter_size": settings.api_max_parameter_size,
    }
    server["database"] |= {
        "migrate_on_start": settings.database_migrate_on_start,
        "timeout": settings.busy_timeout,
    }
    server["events"]["retention_period"] = _duration(settings.events_retention_period)
    server["events"]["websocket_backfill_page_size"] = settings.events_websocket_backfill_page_size
    server["logs"]["stream_out_enabled"] = settings.logs_stream_out_enabled
    server["ui"] |= {
        "enabled": settings.ui_enabled,
        "api_url": settings.ui_api_url or f"http://{settings.host}:{settings.port}{settings.api_base_path}",
        "serve_base": settings.ui_serve_base,
    }
    services = server["services"]
    for name in ("scheduler", "late_runs", "foreman", "pause_expirations", "cancellation_cleanup", "repossessor",
                 "triggers", "event_persister", "task_run_recorder"):  # fmt: skip
        services[name]["enabled"] = settings.services_enabled and getattr(settings, f"services_{name}_enabled")
    for name in ("late_runs", "foreman", "pause_expirations", "cancellation_cleanup", "repossessor"):
        services[name]["loop_seconds"] = getattr(settings, f"services_{name}_loop_seconds")
    for name in ("inactivity_heartbeat_multiple", "fallback_heartbeat_interval_seconds",
                 "deployment_last_polled_timeout_seconds", "work_queue_last_polled_timeout_seconds"):  # fmt: skip
        services["foreman"][name] = getattr(settings, f"foreman_{name}")
    cleanup = services["cancellation_cleanup"]
    cleanup["cancelling_timeout_seconds"] = settings.cancellation_cleanup_cancelling_timeout_seconds
    services["late_runs"]["after_seconds"] = _duration(settings.services_late_runs_after_seconds)
    return tree


def _duration(seconds: float) -> str:
    """ISO 8601, in seconds."""
    return f"PT{seconds:g}S"
