"""Results of task runs that are shared by cache key."""

from __future__ import annotations

from dataclasses import replace

from flowctl.domain.states import StateType
from flowctl.domain.task_runs import TaskRun
from flowctl.orchestration.effects import InsertCachedState
from flowctl.orchestration.transition import Transition, rule


@rule(to_states={StateType.RUNNING})
def cache_retrieval(t: Transition[TaskRun]) -> None:
    """Answer RUNNING with a COMPLETED "Cached" when another task run completed under the same key."""
    if t.proposed is None:
        return
    details = t.proposed.state_details
    if not details.cache_key or details.refresh_cache:
        return
    cached = t.facts.cached_state(details.cache_key)
    if cached is not None:
        t.reject(replace(cached.to_create(), name="Cached"), "Retrieved state from cache")


@rule(to_states={StateType.COMPLETED})
def cache_insertion(t: Transition[TaskRun]) -> None:
    """Share a COMPLETED state under its cache key; a key that is too long is told, and kept all the same."""
    if t.proposed is None or not (cache_key := t.proposed.state_details.cache_key):
        return
    longest = t.config.max_cache_key_length
    if len(cache_key) > longest:
        t.reject(t.proposed, f"Cache key exceeded maximum allowed length of {longest} characters.")
    t.then(InsertCachedState(cache_key=cache_key, cache_expiration=t.proposed.state_details.cache_expiration))
