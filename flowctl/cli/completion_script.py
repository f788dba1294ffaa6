"""`flowctl completion`."""

from __future__ import annotations

from typing import Annotated

import typer

from flowctl.cli import completion
from flowctl.cli.context import Session
from flowctl.domain.errors import Invalid

EXAMPLES = """
eval "$(flowctl completion bash)"                          # in ~/.bashrc
flowctl completion zsh > ~/.zfunc/_flowctl                 # with fpath+=~/.zfunc in ~/.zshrc
flowctl completion fish > ~/.config/fish/completions/flowctl.fish
"""


def print_completion(
    ctx: typer.Context,
    shell: Annotated[str, typer.Argument(metavar="SHELL", autocompletion=completion.shells)],
) -> None:
    """Print the script that makes a shell complete commands, states, flows, names and ids: bash, zsh, fish or pwsh."""
    script = completion.script(shell)
    if script is None:
        raise Invalid(f"There is no completion for {shell!r}.", remedy="use bash, zsh, fish or pwsh")
    Session.of(ctx).output.write(script + "\n")
