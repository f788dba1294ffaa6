"""Pages of lists: how long they may be, and the answer of `paginate`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from flowctl.db.database import Tx
from flowctl.domain.errors import Invalid

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Page(Generic[T]):
    """One page of a list, and how much there is in all."""

    results: Sequence[T]
    count: int
    limit: int
    pages: int
    page: int


def size(tx: Tx, limit: int | None) -> int:
    """The number of rows that a request may have; without a limit the settings' page size, which is also the most.

    Raises Invalid, with Prefect's sentences, when it is out of bounds.
    """
    most = tx.settings.api_default_limit
    if limit is None:
        return most
    if limit < 0:
        raise Invalid("Invalid limit: must be greater than or equal to 0.")
    if limit > most:
        raise Invalid(f"Invalid limit: must be less than or equal to {most}.")
    return limit


def page_of(results: Sequence[T], *, count: int, limit: int, page: int) -> Page[T]:
    """A page, with the number of pages."""
    pages = (count + limit - 1) // limit if limit else 0
    return Page(results=results, count=count, limit=limit, pages=pages, page=page)
