"""Which commands there are. Every ``airflow`` command reads this: it imports only what Airflow has loaded."""

from __future__ import annotations

import argparse
from typing import Any

from airflow.cli.cli_config import ActionCommand, Arg, GroupCommand, lazy_load_command


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


def _arg(*flags: str, **options: Any) -> Arg:  # noqa: ANN401 - those of argparse
    return Arg(flags, **options)  # type: ignore[no-untyped-call]


# In help texts Airflow takes [words] for markup, so they name a section of its configuration in words.
TASK_INSTANCE = (
    _arg("dag_id", help="The id of the DAG"),
    _arg("run_id", help="The id of the DAG run"),
    _arg("task_id", help="The id of the task"),
    _arg("--map-index", type=int, default=-1, help="The index of a mapped task"),
    _arg("--url", help="Airflow's address; default: base_url of section api"),
)

CREDENTIALS = (
    "Where ledger_path of section inforu is set, the ledger is read there. Otherwise it is in Airflow's\n"
    "task state (3.3 and later), and Airflow's API is asked: with the token in AIRFLOW_API_TOKEN, or for\n"
    "the user in AIRFLOW_API_USERNAME and AIRFLOW_API_PASSWORD."
)

SHOW = ActionCommand(
    name="show",
    help="Show what became of the batches of a send",
    description="Show what became of the batches of a send, and which of them are in doubt or rejected.",
    epilog=CREDENTIALS,
    func=lazy_load_command("airflow_provider_inforu.cli.sends.show"),
    args=(
        *TASK_INSTANCE,
        _arg("-o", "--output", choices=("table", "json"), default="table", help="table (default) or json"),
    ),
)

RESOLVE = ActionCommand(
    name="resolve",
    help="Settle batches in doubt",
    description="Say of batches in doubt that their people were called, or that they are to be called again.",
    epilog=CREDENTIALS,
    func=lazy_load_command("airflow_provider_inforu.cli.sends.resolve"),
    args=(
        *TASK_INSTANCE,
        _arg("--accept", dest="choice", action=OneChoice, help="They were called: do not call them again"),
        _arg("--resend", dest="choice", action=OneChoice, help="The next try of the task calls them again"),
        _arg(
            "--batches",
            type=batch_numbers,
            metavar="3,5",
            help="Only these batches (default: all that are in doubt)",
        ),
        _arg("-y", "--yes", action="store_true", help="Do not ask"),
    ),
)

RECEIVER = ActionCommand(
    name="receiver",
    help="Receive notifications from Inforu, in a process of its own",
    description=(
        "Receive notifications from Inforu, for an API server that is not reachable from outside. The\n"
        "options that begin with receiver_ in section inforu hold here too. Put a proxy with TLS before it."
    ),
    func=lazy_load_command("airflow_provider_inforu.cli.receiver.serve"),
    args=(
        _arg("--host", default="127.0.0.1", help="The address to listen on; default: 127.0.0.1"),
        _arg("--port", type=int, default=8090, help="The port; 0 takes a free one; default: 8090"),
    ),
)

PRUNE = ActionCommand(
    name="prune",
    help="Remove old notifications",
    description="Remove what the receiver stored long ago, some rows at a time.",
    func=lazy_load_command("airflow_provider_inforu.cli.receiver.prune"),
    args=(
        _arg(
            "--older-than",
            type=int,
            metavar="DAYS",
            help="Default: receiver_retention_days of section inforu, which is 90",
        ),
        _arg("--dry-run", action="store_true", help="Only count"),
    ),
)


def get_inforu_cli_commands() -> list[GroupCommand]:
    """Return the commands, in the form of the provider info's ``cli`` key."""
    sends = GroupCommand(
        name="sends",
        help="Look at the ledger of a send, and settle people in doubt",
        subcommands=(SHOW, RESOLVE),
    )
    return [
        GroupCommand(
            name="inforu", help="Voice calls through the Inforu API", subcommands=(sends, RECEIVER, PRUNE)
        )
    ]
