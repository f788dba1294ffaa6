"""Errors -> answers: one table from error code to status, and Prefect's four shapes of body.

{"detail": …}                                         what was asked for cannot be had (400, 403, 404, 409 …)
{"exception_message": …}                              401, 500, 503, and 404 where Prefect's models raise it
{"exception_message", "exception_detail", "request_body"}    422 of a body or a parameter
{"message": …}                                        `/ready`, see routes/root.py
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

from flowctl.db.database import is_locked
from flowctl.domain.errors import Busy, FlowctlError, Invalid
from flowctl.server.answers import Answer
from flowctl.wire import INVALID_REQUEST

logger = logging.getLogger("flowctl.server")

STATUS: Final[Mapping[str, int]] = {
    "invalid": 422,
    "not_found": 404,
    "conflict": 409,
    "forbidden": 403,
    "unauthorized": 401,
    "refused": 400,
    "busy": 503,
    "unsupported": 501,
    "unusable": 500,
}


def answer_to(error: Exception, *, request_body: object = None, not_found_key: str = "detail") -> Answer:
    """The answer to an error that a handler raised; the unexpected is logged with its traceback.

    request_body   what was sent, as parsed; repeated in a 422
    not_found_key  the key of a 404's message: "exception_message" where Prefect's server has it so
    """
    if isinstance(error, Invalid) and error.entries:
        body = {"exception_message": INVALID_REQUEST, "exception_detail": error.entries, "request_body": request_body}
        return Answer.json(body, 422)
    if is_client_retryable_exception(error):
        return busy_answer(error.retry_after_seconds if isinstance(error, Busy) else 1.0)
    if isinstance(error, FlowctlError) and error.code in STATUS:
        return _plain(error, not_found_key)
    if isinstance(error, OverflowError):
        logger.warning("A number of a request is out of range", exc_info=error)
        return Answer.json({"detail": "A number, or a moment that follows from one, is out of range."}, 422)
    logger.error("Internal error", exc_info=error)
    return Answer.json({"exception_message": "Internal Server Error"}, 500)


def busy_answer(retry_after_seconds: float = 1.0) -> Answer:
    """503, with the seconds after which a client may try again."""
    return Answer.json(
        {"exception_message": "Service Unavailable"}, 503, headers={"Retry-After": f"{retry_after_seconds:g}"}
    )


def is_client_retryable_exception(error: BaseException) -> bool:
    """Whether asking again may help: the database was held by another writer, or the queue was full."""
    return isinstance(error, Busy) or is_locked(error)


def _plain(error: FlowctlError, not_found_key: str) -> Answer:
    status = STATUS[error.code]
    if status == 401:
        return Answer.json({"exception_message": "Unauthorized"}, status)
    if status == 500:
        logger.error("%s", error.message, exc_info=error)
        return Answer.json({"exception_message": "Internal Server Error", "detail": error.message}, status)
    return Answer.json({not_found_key if status == 404 else "detail": error.message}, status)
