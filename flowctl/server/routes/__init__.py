"""The route table: every module's `routes`, in any order; a new module is added here."""

from __future__ import annotations

from flowctl.server.endpoint import Routes
from flowctl.server.routes import admin, csrf, root

ALL: tuple[Routes, ...] = (
    admin.routes,
    csrf.routes,
    root.routes,
)
