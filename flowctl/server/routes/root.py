"""The API's own state: `/hello` and `/ready` (`/health` and `/version` are in `api.py`)."""

from __future__ import annotations

from flowctl.domain.errors import FlowctlError, NotFound
from flowctl.server.endpoint import Call, Reply, Routes

routes = Routes("", tag="Root")


@routes.plain("GET", "/hello")
def hello() -> str:
    """Say hello."""
    return "👋"


@routes.plain("GET", "/ready")
async def perform_readiness_check(call: Call) -> Reply[dict[str, object]]:
    """Tell whether the database answers, and what each background service did last; 503 if it does not answer."""
    try:
        await call.context.gateway.read(lambda tx: tx.scalar("SELECT 1"), quick=True)
    except FlowctlError:
        return Reply({"message": "Database is not available"}, status=503)
    answer: dict[str, object] = {"message": "OK"}
    if call.context.services is not None and (report := call.context.services.report()):
        answer["services"] = report
    return Reply(answer)


@routes.plain("GET", "/metrics", listed=False)
async def read_metrics(call: Call) -> Reply[bytes]:
    """Get the state of the server in Prometheus' format; it is there for whoever asks, and sent nowhere."""
    if not call.context.settings.metrics_enabled:
        raise NotFound("Not Found")
    from flowctl.server import metrics  # noqa: PLC0415 - start-up budget

    return Reply.raw(await metrics.expose(call.context), media_type=metrics.CONTENT_TYPE)
