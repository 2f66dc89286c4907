"""The error of a command whose packages are not installed; it names the extra to install."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup

from clickstream.core.errors import MissingPackage

_STACK = "airflow,dashboard,local"
_EXTRAS = {
    **dict.fromkeys(("dashboard", "digest"), "dashboard"),
    **dict.fromkeys(("demo", "up"), _STACK),
    **dict.fromkeys(("open", "try"), "open"),
    "lift": "insight",
    "sales": "lake,sales",
}
"""The extras of pyproject.toml that commands need. A command that is not listed needs `lake`."""


class CommandGroup(TyperGroup):
    """The commands of `clickstream`. A command without its packages raises MissingPackage."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that the arguments name."""
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            raise missing_package(error, ctx.invoked_subcommand) from None


def missing_package(
    error: ModuleNotFoundError, command: str
) -> MissingPackage | ModuleNotFoundError:
    """Return the error that says which package a command lacks and how to install it.

    A dotted name is a module that an installed package lacks: then return `error`.
    """
    if not error.name or "." in error.name:
        return error
    return MissingPackage(
        f"The command {command} needs the package {error.name}; install it with "
        f"`pip install 'clickstream[{_EXTRAS.get(command, 'lake')}]'`."
    )
