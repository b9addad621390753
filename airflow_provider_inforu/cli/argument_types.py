"""Arguments that Airflow's own classes do not have. Every ``airflow`` command reads this."""

from __future__ import annotations

import argparse
from typing import Any

from airflow.cli.cli_config import ActionCommand, Arg


def batch_numbers(text: str) -> list[int]:
    """Return the numbers in ``3,5``.

    :param text: What stands on the command line.
    :raises argparse.ArgumentTypeError: It is something else.
    """
    numbers = text.split(",")
    if not all(number.strip().isdecimal() and int(number) > 0 for number in numbers):
        raise argparse.ArgumentTypeError(f"{text!r} is no list of batch numbers such as 3,5")
    return sorted({int(number) for number in numbers})


class OneChoice(argparse.Action):
    """A flag that excludes the other flags of its ``dest``: Airflow's arguments know no such groups."""

    def __init__(self, option_strings: list[str], dest: str, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(option_strings, dest, nargs=0, **kwargs)

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,  # noqa: ARG002 - argparse passes it
        option_string: str | None = None,
    ) -> None:
        """Set the choice, or end the command when there is another one already."""
        choice = (option_string or "").removeprefix("--")
        if getattr(namespace, self.dest, None) not in (None, choice):
            parser.error("--accept and --resend exclude each other")
        setattr(namespace, self.dest, choice)


def at_least_one(text: str) -> int:
    """Return a whole number from 1.

    :param text: What stands on the command line.
    :raises argparse.ArgumentTypeError: It is something else.
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1")
    return int(text)


class CommandBelow(Arg):
    """A command below a command that also runs alone. A group of Airflow's does nothing by itself.

    :param command: The command below.
    """

    def __init__(self, command: ActionCommand) -> None:
        super().__init__((command.name,), help=command.help)  # type: ignore[no-untyped-call]
        self.command = command

    def add_to_parser(self, parser: argparse.ArgumentParser) -> None:
        """Add the command, in the form of Airflow's own.

        :param parser: Of the command above.
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
        # Its defaults replace those of the command above.
        below.set_defaults(func=command.func)
