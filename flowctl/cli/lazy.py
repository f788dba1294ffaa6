"""Makes commands of the table in `tree.py`: each module is imported when one of its commands is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from functools import cache, partial
from importlib import import_module
from typing import Any, TypeAlias

import typer

from flowctl.cli.commands import Command, Group
from flowctl.cli.tree import Lone, Noun

Maker: TypeAlias = Callable[[], Any]


class Commands(MutableMapping[str, Any]):
    """Commands by name, each made when it is first asked for."""

    def __init__(self, makers: Mapping[str, Maker]) -> None:
        self._makers = dict(makers)

    def __getitem__(self, name: str) -> Any:
        return self._makers[name]()

    def __setitem__(self, name: str, command: Any) -> None:
        self._makers[name] = lambda: command

    def __delitem__(self, name: str) -> None:
        del self._makers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


def commands(tree: Mapping[str, Noun | Lone]) -> Commands:
    """The commands and groups of a table."""
    return Commands({name: partial(_make, name, entry) for name, entry in tree.items()})


@cache
def _make(name: str, entry: Noun | Lone) -> Any:
    return _group(name, entry) if isinstance(entry, Noun) else _lone(name, entry)


def _group(name: str, noun: Noun) -> Group:
    makers: dict[str, Maker] = {
        word: partial(_member, module, word) for module, words in noun.modules.items() for word in words
    }
    makers.update({word: partial(_make, word, inner) for word, inner in noun.groups.items()})
    group = Group(
        name=name,
        commands=Commands(makers),
        help=noun.sentence,
        epilog=noun.examples,
        hidden=noun.hidden,
        rich_markup_mode=None,
    )
    group.aliases, group.order = noun.aliases, noun.first
    return group


def _member(module: str, name: str) -> Any:
    """A command of a module that registers its commands with `app`."""
    return _members(module)[name]


@cache
def _members(module: str) -> Mapping[str, Any]:
    return typer.main.get_group(_import(module).app).commands


def _lone(name: str, entry: Lone) -> Any:
    module = _import(entry.module)
    if not entry.function:
        group = typer.main.get_group(module.app)
        group.name = name
        return group
    app = typer.Typer(rich_markup_mode=None)
    app.command(name, cls=getattr(module, "CLASS", Command), epilog=module.EXAMPLES)(getattr(module, entry.function))
    return typer.main.get_command(app)


def _import(module: str) -> Any:
    return import_module(f"flowctl.cli.{module}")
