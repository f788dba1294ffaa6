"""The whole command line: the root of the tree, and how it is run."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from flowctl.cli import completion, help_page, lazy, tree
from flowctl.cli.commands import Group
from flowctl.cli.version import version_line


class Root(Group):
    """`flowctl` itself."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of the commands, in the order in which the help shows them."""
        return list(tree.TREE)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the same page as the quick door."""
        formatter.write(help_page.root() + "\n")

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Nouns and verbs that begin so, without loading them; options after a dash."""
        from typer._click.shell_completion import CompletionItem

        begun = [(name, entry) for name, entry in tree.TREE.items() if name.startswith(incomplete) and not entry.hidden]
        options: list[Any] = super(TyperGroup, self).shell_complete(ctx, incomplete)
        return [*(CompletionItem(name, help=entry.sentence) for name, entry in begun), *options]


app = typer.Typer(
    cls=Root,
    help=tree.SENTENCE,
    epilog=tree.EXAMPLES,
    rich_markup_mode=None,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(version_line())
        raise typer.Exit


@app.callback()
def root(
    _version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version."),
    ] = False,
) -> None:
    """Prefect's control plane in one small program with an embedded SQLite database."""


@cache
def command() -> Any:
    """The root, whose commands are loaded when they are asked for."""
    found: Any = typer.main.get_command(app)
    found.commands = lazy.commands(tree.TREE)
    return found


def run(arguments: Sequence[str]) -> int:
    """Do the command; its exit code."""
    completion.prepare()
    try:
        command().main(args=list(arguments), prog_name="flowctl")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0
