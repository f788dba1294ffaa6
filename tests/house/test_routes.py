"""The route table against Prefect's API: every operation is built or answers 501, and nothing is spelt otherwise."""

from __future__ import annotations

import importlib
import pkgutil
from collections import Counter

from flowctl.server import routes as package
from flowctl.server.api import create_api_app
from flowctl.server.endpoint import Route, Routes
from flowctl.server.routes import MODULES, all_tables, not_built, part_of
from flowctl.settings import Settings


def is_own(route: Route) -> bool:
    """Whether flowctl has this operation and Prefect has not."""
    return route.path == "/metrics" or route.path.startswith("/flowctl/")


def all_routes() -> list[Route]:
    return create_api_app(settings=Settings(), ignore_cache=True).routes


def keys(routes: list[Route]) -> list[not_built.OperationKey]:
    return [not_built.operation_key(route.method, route.path) for route in routes]


def test_every_module_of_routes_is_in_the_table() -> None:
    modules = [
        importlib.import_module(f"{package.__name__}.{each.name}") for each in pkgutil.iter_modules(package.__path__)
    ]
    tables = [module.routes for module in modules if isinstance(getattr(module, "routes", None), Routes)]
    assert sorted(id(table) for table in tables) == sorted(id(table) for table in all_tables())


def test_each_module_is_listed_for_every_part_that_it_serves() -> None:
    served = {
        (part_of(route.path), each.name)
        for each in pkgutil.iter_modules(package.__path__)
        if isinstance(
            table := getattr(importlib.import_module(f"{package.__name__}.{each.name}"), "routes", None), Routes
        )
        for route in table.routes
    }
    assert served == {(part, name) for part, names in MODULES.items() for name in names}


def test_no_operation_is_there_twice() -> None:
    assert [key for key, count in Counter(keys(all_routes())).items() if count > 1] == []


def test_every_operation_is_one_of_prefects() -> None:
    theirs = [route for route in all_routes() if not is_own(route)]
    assert set(keys(theirs)) - set(not_built.known_operations()) == set()


def test_built_and_missing_operations_are_all_of_prefects() -> None:
    app = create_api_app(settings=Settings(), ignore_cache=True)
    theirs = [route for route in (*app.routes, *app.missing) if not is_own(route)]
    assert sorted(keys(theirs)) == sorted(not_built.known_operations())
    assert len(not_built.known_operations()) == 187


def test_every_handler_says_what_it_does() -> None:
    assert [route.name for route in all_routes() if not (route.handler.__doc__ or "").strip()] == []


def test_every_signature_can_be_read() -> None:
    for route in all_routes():
        assert route.default_status in range(200, 300), route.name


def test_tags_are_prefects() -> None:
    operations = not_built.known_operations()
    wrong = {
        route.name: (route.tag, operations[key][1])
        for route, key in ((route, not_built.operation_key(route.method, route.path)) for route in all_routes())
        if key in operations and route.tag not in operations[key][1]
    }
    assert wrong == {}
