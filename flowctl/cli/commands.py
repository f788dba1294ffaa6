"""The classes behind every command: shared flags, help that leads with an example, errors as messages and exit codes.

A command is an ordinary Typer function whose first parameter is `ctx: typer.Context`; `Session.of(ctx)` gives it the
rest.  It returns None or an exit code.  Its `epilog` holds the examples, one a line.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from flowctl.cli import completion, flags
from flowctl.cli.aliases import PREFECT
from flowctl.cli.context import GIVEN, Session, exit_code
from flowctl.cli.fast import close_pipe
from flowctl.cli.flags import Flag
from flowctl.domain.errors import FlowctlError, Invalid, Unusable

INTERRUPTED = 130


class FlagOption(TyperOption):
    """A `Flag` as Typer's option; its value goes to the session, not to the function."""

    def __init__(self, flag: Flag, *, listed: bool = True, spellings: Sequence[str] = ()) -> None:
        self._flag = flag
        self._listed = listed
        super().__init__(
            param_decls=[f"_{flag.name}{'_' * len(spellings)}", *(spellings or flag.spellings)],
            type=None if flag.is_switch else int if flag.number else str,
            is_flag=flag.is_switch,
            metavar=flag.metavar,
            multiple=flag.many,
            help=flag.help,
            expose_value=False,
            callback=self._keep,
            autocompletion=completion.of_flag(flag),
        )

    def get_help_record(self, ctx: Any) -> tuple[str, str] | None:
        """Nothing for a global flag, except on the page of `flowctl` itself."""
        return super().get_help_record(ctx) if self._listed or ctx.parent is None else None

    def _keep(self, ctx: typer.Context, _parameter: object, value: Any) -> Any:
        """Check the value and keep it for the session."""
        flag = self._flag
        if value is None or value is False or value in ((), []):
            return value
        if flag.choices and value not in flag.choices:
            raise typer.BadParameter(f"{value!r} is not one of {', '.join(flag.choices)}.")
        if flag.number and value < 1:
            raise typer.BadParameter(f"{value} is less than 1.")
        given = ctx.meta.setdefault(GIVEN, {})
        given[flag.name] = [*given.get(flag.name, ()), *value] if flag.many else value
        return value


def _options(listed: Sequence[Flag]) -> list[Any]:
    options = [FlagOption(flag) for flag in listed]
    options += [FlagOption(flag, listed=False) for flag in flags.GLOBAL]
    options += [FlagOption(flag, listed=False, spellings=flag.aliases) for flag in listed if flag.aliases]
    return options


class Command(TyperCommand):
    """A command; `flags` are those it shares with others, besides the global ones."""

    flags: ClassVar[Sequence[Flag]] = ()

    def __init__(self, name: str | None, *, params: list[Any] | None = None, **rest: Any) -> None:
        super().__init__(name, params=[*(params or ()), *_options(self.flags)], **rest)
        completion.fill(self.params)

    def invoke(self, ctx: Any) -> None:
        """Run the command; every way it can end becomes an exit code."""
        given: dict[str, object] = ctx.meta.get(GIVEN, {})
        with Session(given) as session:
            ctx.obj = session
            try:
                if _works_on_the_file(ctx.command_path, session):
                    session.needs_file(ctx.command_path)
                code = super().invoke(ctx) or 0
                sys.stdout.flush()
            except FlowctlError as error:
                session.output.error(error)
                code = exit_code(error)
            except BrokenPipeError:
                code = close_pipe()
            except KeyboardInterrupt:
                code = INTERRUPTED
            except Exception as error:
                if session.options.verbose or isinstance(error, (typer.Exit, typer.Abort, typer.TyperException)):
                    raise
                told = _unexpected(error)
                session.output.error(told)
                code = exit_code(told)
        if code:
            raise typer.Exit(code)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the sentence, the examples, then usage and options."""
        _write_head(self, ctx, formatter)
        self.format_options(ctx, formatter)
        _write_tail(formatter)


class Group(TyperGroup):
    """A group of commands; alone, it prints its help."""

    aliases: Mapping[str, str] = {}
    """Other spellings of its commands, which the help does not show."""

    order: Sequence[str] = ()
    """Commands that the help shows first."""

    def __init__(self, *, params: list[Any] | None = None, **rest: Any) -> None:
        super().__init__(params=[*(params or ()), *_options(())], **rest)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of this name, or of one that means the same, maybe in Prefect's words."""
        meant = PREFECT.get(" ".join([*ctx.command_path.split()[1:], cmd_name]))
        if meant is not None:
            return _descend(ctx.find_root().command, meant)
        return super().get_command(ctx, self.aliases.get(cmd_name, cmd_name))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Print the help when nothing is asked for."""
        if not args and not ctx.resilient_parsing:
            typer.echo(ctx.get_help())
            ctx.exit()
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of the commands, in the order in which the help shows them."""
        return sorted(self.commands, key=lambda name: self.order.index(name) if name in self.order else len(self.order))

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands, each with its sentence in full."""
        commands = [self.commands[name] for name in self.list_commands(ctx)]
        rows = [(each.name, (each.help or "").partition("\n")[0]) for each in commands if not each.hidden]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the sentence, the examples, the commands, then the options."""
        _write_head(self, ctx, formatter)
        self.format_commands(ctx, formatter)
        TyperCommand.format_options(self, ctx, formatter)  # pyright: ignore[reportArgumentType] - needs get_params only
        if ctx.parent is not None:
            _write_tail(formatter)


def _descend(root: Any, words: str) -> Any:
    """The command that these words name, from the root of the tree."""
    command = root
    for word in words.split():
        command = command.commands[word]
    return command


def _works_on_the_file(command: str, session: Session) -> bool:
    """Whether a command cannot ask a server; `serve` is itself one, and minds only flags."""
    group = command.split(" ")[1:2]
    if group in (["serve"], ["server"]):
        return bool(session.options.api or session.options.context)
    return group in (["db"], ["doctor"])


def _write_head(command: Any, ctx: Any, formatter: Any) -> None:
    sentence, _, more = (command.help or "").partition("\n")
    formatter.write(f"{sentence}\n")
    if command.epilog:
        with formatter.section("Examples"):
            for line in command.epilog.strip().splitlines():
                formatter.write(f"{'':{formatter.current_indent}}{line.strip()}\n")
    formatter.write_paragraph()
    command.format_usage(ctx, formatter)
    if more.strip():
        formatter.write_paragraph()
        formatter.write_text(more.strip())


def _write_tail(formatter: Any) -> None:
    formatter.write_paragraph()
    formatter.write_text("Flags of every command: -o FORMAT, --json, --fields, -q, --db … (flowctl --help lists them).")
    formatter.write("\n")


def _unexpected(error: Exception) -> FlowctlError:
    if isinstance(error, UnicodeEncodeError):  # bytes in an argument that are not UTF-8
        return Invalid(f"{error.object!a} is not text.")
    if isinstance(error, OSError) and error.filename:
        return Unusable(f"{os.fspath(error.filename)}: {error.strerror}.")
    return FlowctlError(f"Unexpected: {type(error).__name__}: {error}", remedy="the same command with -v, to see where")
