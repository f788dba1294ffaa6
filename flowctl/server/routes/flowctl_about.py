"""What tells flowctl's servers from Prefect's."""

from __future__ import annotations

from flowctl import API_VERSION, PREFECT_VERSION, __version__
from flowctl.server.endpoint import Routes

routes = Routes("/flowctl", tag="Flowctl")


@routes.plain("GET", "/about")
def read_about() -> dict[str, str]:
    """Tell the versions of flowctl, and of the Prefect and the API that it stands in for."""
    return {"flowctl": __version__, "prefect": PREFECT_VERSION, "api": API_VERSION}
