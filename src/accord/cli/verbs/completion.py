"""``accord completion SHELL``: the script that lets a shell complete verbs, options and catalogue ids."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from accord.cli.output import write

_HOW = {
    "bash": 'eval "$(accord completion bash)"       # in ~/.bashrc',
    "zsh": 'eval "$(accord completion zsh)"        # in ~/.zshrc',
    "fish": "accord completion fish | source        # in ~/.config/fish/config.fish",
}


@click.command("completion")
@click.argument("shell", type=click.Choice(sorted(_HOW)))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    Put the line named at the top of the script into your shell's start file.
    """
    completer = get_completion_class(shell)
    assert completer is not None, f"click completes {shell}"
    script = completer(ctx.find_root().command, {}, "accord", "_ACCORD_COMPLETE").source()
    write(f"# {_HOW[shell]}\n{script.strip()}\n")
