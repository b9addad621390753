"""Argument types that Airflow lacks. Every ``airflow`` command imports this module."""

from __future__ import annotations

import argparse
from typing import Any

from airflow.cli.cli_config import ActionCommand, Arg


def batch_numbers(text: str) -> list[int]:
    """Return the batch numbers in a text such as ``3,5``, sorted and without duplicates.

    :param text: The argument on the command line.
    :raises argparse.ArgumentTypeError: The text is not a list of numbers from 1.
    """
    numbers = text.split(",")
    if not all(number.strip().isdecimal() and int(number) > 0 for number in numbers):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of batch numbers. Use a form such as 3,5")
    return sorted({int(number) for number in numbers})


class OneChoice(argparse.Action):
    """A flag that excludes the other flags of its ``dest``. Airflow's arguments have no exclusive groups."""

    def __init__(self, option_strings: list[str], dest: str, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(option_strings, dest, nargs=0, **kwargs)

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,  # noqa: ARG002 - argparse passes it
        option_string: str | None = None,
    ) -> None:
        """Set the choice, or end the command if another flag has set it."""
        choice = (option_string or "").removeprefix("--")
        if getattr(namespace, self.dest, None) not in (None, choice):
            parser.error("--accept and --resend cannot be used together")
        setattr(namespace, self.dest, choice)


def at_least_one(text: str) -> int:
    """Return a whole number from 1.

    :param text: The argument on the command line.
    :raises argparse.ArgumentTypeError: The text is not a whole number from 1.
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


class CommandBelow(Arg):
    """A subcommand of a command that also runs on its own. Airflow's command groups cannot run themselves.

    :param command: The subcommand.
    """

    def __init__(self, command: ActionCommand) -> None:
        super().__init__((command.name,), help=command.help)  # type: ignore[no-untyped-call]
        self.command = command

    def add_to_parser(self, parser: argparse.ArgumentParser) -> None:
        """Add the subcommand to the parser, in the style of Airflow's own commands.

        :param parser: The parser of the parent command.
        """
        command = self.command
        below = parser.add_subparsers(metavar="COMMAND").add_parser(
            command.name,
            help=command.help,
            description=command.description,
            epilog=command.epilog,
            formatter_class=parser.formatter_class,
        )
        for arg in command.args:
            arg.add_to_parser(below)
        # These defaults replace those of the parent command.
        below.set_defaults(func=command.func)
