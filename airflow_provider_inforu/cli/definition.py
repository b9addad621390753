"""Which commands there are. Every ``airflow`` command reads this: it imports only what Airflow has loaded."""

from __future__ import annotations

from typing import Any

from airflow.cli.cli_config import ActionCommand, Arg, GroupCommand, lazy_load_command

from airflow_provider_inforu.cli.argument_types import CommandBelow, OneChoice, at_least_one, batch_numbers
from airflow_provider_inforu.sandbox.options import OPTIONS as SANDBOX_OPTIONS


def _arg(*flags: str, **options: Any) -> Arg:  # noqa: ANN401 - those of argparse
    return Arg(flags, **options)  # type: ignore[no-untyped-call]


CONN_ID = _arg("--conn-id", default="inforu_default", help="The connection; default: inforu_default")
OUTPUT = _arg(
    "-o", "--output", choices=("table", "json"), default="table", help="json for programs; default: table"
)
YES = _arg("-y", "--yes", action="store_true", help="Do not ask")
URL = _arg("--url", help="Airflow's address; default: base_url of section api")

# In help texts Airflow takes [words] for markup, so they name a section of its configuration in words.
TASK_INSTANCE = (
    _arg("dag_id", help="The id of the DAG"),
    _arg("run_id", help="The id of the DAG run"),
    _arg("task_id", help="The id of the task"),
    _arg("--map-index", type=int, default=-1, help="The index of a mapped task"),
    URL,
)

CREDENTIALS = (
    "Where ledger_path of section inforu is set, the ledger is read there. Otherwise it is in Airflow's\n"
    "task state (3.3 and later), and Airflow's API is asked: with the token in AIRFLOW_API_TOKEN, or for\n"
    "the user in AIRFLOW_API_USERNAME and AIRFLOW_API_PASSWORD."
)


def _examples(*commands: str) -> str:
    return "\n".join(("examples:", *(f"  airflow inforu {command}" for command in commands), ""))


_LIST_EXAMPLES = _examples("sends list reminders", "sends list reminders --run-id RUN_ID -o json")
_SHOW_EXAMPLES = _examples(
    "sends show reminders RUN_ID call", "sends show reminders RUN_ID call --map-index 3 -o json"
)
_RESOLVE_EXAMPLES = _examples(
    "sends resolve reminders RUN_ID call --accept --batches 1,4",
    "sends resolve reminders RUN_ID call --resend --yes",
)

CHECK = ActionCommand(
    name="check",
    help="Say whether the connection works",
    description="Say whether the connection works, by reading the quota, and whether its receiver answers.\n"
    "It calls nobody.",
    epilog=_examples("check", "check --conn-id inforu_sales", "check -o json"),
    func=lazy_load_command("airflow_provider_inforu.cli.account.check"),
    args=(CONN_ID, OUTPUT),
)

QUOTA = ActionCommand(
    name="quota",
    help="Show what is left of the account's quotas",
    description="Show what is left of the account's quotas. It calls nobody.",
    epilog=_examples("quota", "quota --usage all -o json", "quota --level Customer"),
    func=lazy_load_command("airflow_provider_inforu.cli.account.quota"),
    args=(
        CONN_ID,
        _arg(
            "--usage",
            choices=("IVR", "SMS", "Email", "all"),
            default="IVR",
            help="IVR (default) is that of voice calls",
        ),
        _arg(
            "--level",
            choices=("User", "Project", "Customer", "Partner"),
            default="User",
            help="Whose quota; default: User",
        ),
        _arg("--level-value", metavar="NAME", help="The name or number of that level, where it is not yours"),
        OUTPUT,
    ),
)

CALL = ActionCommand(
    name="call",
    help="Call one phone and read a text to whoever answers",
    description="Call one phone, now, and read a text to whoever answers. It asks first.",
    epilog=_examples('call 0500000001 "This is a test."', 'call 0500000001 "The load failed." --yes')
    + "\nexit codes: 0 Inforu accepted the call, 1 nobody was called, 2 wrong usage and nobody was called,\n"
    "3 it rings or may ring: look at the campaigns in the Inforu portal before you call again.",
    func=lazy_load_command("airflow_provider_inforu.cli.call.call"),
    args=(
        _arg("phone", help="A phone of Israel, such as 0500000001 or +972500000001"),
        _arg("text", help="What is read out"),
        CONN_ID,
        YES,
        OUTPUT,
    ),
)

LIST = ActionCommand(
    name="list",
    help="List the sends of a DAG",
    description="List the task instances of a DAG that hold a ledger, the latest run first.",
    epilog=f"{_LIST_EXAMPLES}\n{CREDENTIALS}",
    func=lazy_load_command("airflow_provider_inforu.cli.listing.list_sends"),
    args=(
        _arg("dag_id", nargs="?", help="The id of the DAG; may be left out where ledger_path is set"),
        _arg("--run-id", help="Only this DAG run"),
        _arg("--task-id", help="Only this task"),
        _arg("--limit", type=at_least_one, default=100, help="So many sends at most; default: 100"),
        URL,
        OUTPUT,
    ),
)

SHOW = ActionCommand(
    name="show",
    help="Show what became of the batches of a send",
    description="Show what became of the batches of a send, and which of them are in doubt or rejected.",
    epilog=f"{_SHOW_EXAMPLES}\n{CREDENTIALS}",
    func=lazy_load_command("airflow_provider_inforu.cli.send_commands.show"),
    args=(*TASK_INSTANCE, OUTPUT),
)

RESOLVE = ActionCommand(
    name="resolve",
    help="Settle batches in doubt",
    description="Say of batches in doubt that their people were called, or that they are to be called again.",
    epilog=f"{_RESOLVE_EXAMPLES}\n{CREDENTIALS}",
    func=lazy_load_command("airflow_provider_inforu.cli.send_commands.resolve"),
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
        _arg(
            "--campaign-id",
            type=int,
            metavar="194",
            help="With --accept: the campaign of the calls. Where the first batch was to make a copy of a "
            "campaign, the other batches go to this one",
        ),
        YES,
    ),
)

SETUP = ActionCommand(
    name="setup",
    help="Set up the receiver of a connection in one step",
    description=(
        "Set up the receiver of a connection in Airflow's database: make a secret, store it with the\n"
        "receiver's address, and make or upgrade the tables. Then print the address for Inforu, which holds\n"
        "the secret, and what to do next. Run it again at any time: an existing secret stays."
    ),
    epilog=_examples("receiver setup --url https://airflow.example.com", "receiver setup --rotate"),
    func=lazy_load_command("airflow_provider_inforu.cli.receiver_setup.set_up"),
    args=(
        CONN_ID,
        _arg(
            "--url",
            help="Where workers reach the receiver, such as https://airflow.example.com; default: "
            "receiver_url of the connection, else base_url of section api",
        ),
        _arg(
            "--rotate",
            action="store_true",
            help="Make a new secret. The current one becomes notification_secret_previous, and both hold",
        ),
    ),
)

RECEIVER = ActionCommand(
    name="receiver",
    help="Receive notifications from Inforu, in a process of its own, or set it up",
    description=(
        "Receive notifications from Inforu, for an API server that is not reachable from outside. The\n"
        "options that begin with receiver_ in section inforu hold here too. Put a proxy with TLS before it."
    ),
    epilog=_examples("receiver", "receiver --host 0.0.0.0 --port 8090"),
    func=lazy_load_command("airflow_provider_inforu.cli.receiver_commands.serve"),
    args=(
        CommandBelow(SETUP),
        _arg("--host", default="127.0.0.1", help="The address to listen on; default: 127.0.0.1"),
        _arg("--port", type=int, default=8090, help="The port; 0 takes a free one; default: 8090"),
    ),
)

SANDBOX = ActionCommand(
    name="sandbox",
    help="Run a server that answers like Inforu and calls nobody",
    description="Run a server that answers like the Inforu voice API and calls nobody.",
    epilog=_examples("sandbox", "sandbox --port 0 --call-seconds 0.1"),
    func=lazy_load_command("airflow_provider_inforu.cli.sandbox.serve"),
    args=tuple(
        _arg(flag, **{**options, "help": f"{options['help']}; default: {options['default'] or 'none'}"})
        for flag, options in SANDBOX_OPTIONS.items()
    ),
)

PRUNE = ActionCommand(
    name="prune",
    help="Remove old notifications",
    description="Remove what the receiver stored long ago, some rows at a time.",
    epilog=_examples("prune --dry-run", "prune --older-than 30"),
    func=lazy_load_command("airflow_provider_inforu.cli.receiver_commands.prune"),
    args=(
        _arg(
            "--older-than",
            type=int,
            metavar="DAYS",
            help="Default: receiver_retention_days of section inforu, which is 90",
        ),
        _arg("--dry-run", action="store_true", help="Only count"),
        OUTPUT,
    ),
)


def get_inforu_cli_commands() -> list[GroupCommand]:
    """Return the commands, in the form of the provider info's ``cli`` key."""
    sends = GroupCommand(
        name="sends",
        help="Look at the ledgers of sends, and settle people in doubt",
        subcommands=(LIST, SHOW, RESOLVE),
    )
    return [
        GroupCommand(
            name="inforu",
            help="Voice calls through the Inforu API",
            subcommands=(sends, CHECK, QUOTA, CALL, RECEIVER, PRUNE, SANDBOX),
        )
    ]
