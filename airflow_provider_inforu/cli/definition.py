"""The definitions of the commands.

Every ``airflow`` command imports this module, so it imports only modules that Airflow has already loaded.
"""

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

# Airflow reads [words] in help texts as markup, so the texts write "section inforu" instead of [inforu].
TASK_INSTANCE = (
    _arg("dag_id", help="The id of the DAG"),
    _arg("run_id", help="The id of the DAG run"),
    _arg("task_id", help="The id of the task"),
    _arg("--map-index", type=int, default=-1, help="The index of a mapped task"),
    URL,
)

CREDENTIALS = (
    "If ledger_path of section inforu is set, the ledger is read there. Otherwise it is read from Airflow's\n"
    "task state (3.3 and later), through Airflow's API. Set AIRFLOW_API_TOKEN for the API, or\n"
    "AIRFLOW_API_USERNAME and AIRFLOW_API_PASSWORD."
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
    help="Check whether the connection works",
    description="Check whether the connection works and whether its receiver answers.\n"
    "The command reads the quota and calls nobody.",
    epilog=_examples("check", "check --conn-id inforu_sales", "check -o json"),
    func=lazy_load_command("airflow_provider_inforu.cli.account.check"),
    args=(CONN_ID, OUTPUT),
)

QUOTA = ActionCommand(
    name="quota",
    help="Show the remaining quotas of the account",
    description="Show the remaining quotas of the account. This calls nobody.",
    epilog=_examples("quota", "quota --usage all -o json", "quota --level Customer"),
    func=lazy_load_command("airflow_provider_inforu.cli.account.quota"),
    args=(
        CONN_ID,
        _arg(
            "--usage",
            choices=("IVR", "SMS", "Email", "all"),
            default="IVR",
            help="The kind of quota; IVR (default) is for voice calls",
        ),
        _arg(
            "--level",
            choices=("User", "Project", "Customer", "Partner"),
            default="User",
            help="The level of the quota; default: User",
        ),
        _arg(
            "--level-value",
            metavar="NAME",
            help="The name or number of another user, project, customer or partner; default: your own",
        ),
        OUTPUT,
    ),
)

CALL = ActionCommand(
    name="call",
    help="Call one phone and read a text out",
    description="Call one phone now, and read a text to the person who answers. The command asks first.",
    epilog=_examples('call 0500000001 "This is a test."', 'call 0500000001 "The load failed." --yes')
    + "\nexit codes:\n"
    "  0 Inforu accepted the call\n"
    "  1 nobody was called\n"
    "  2 the usage was wrong, and nobody was called\n"
    "  3 the phone rings or may ring: check the campaigns in the Inforu portal before you call again",
    func=lazy_load_command("airflow_provider_inforu.cli.call.call"),
    args=(
        _arg("phone", help="An Israeli phone, such as 0500000001 or +972500000001"),
        _arg("text", help="The text to read out"),
        CONN_ID,
        YES,
        OUTPUT,
    ),
)

LIST = ActionCommand(
    name="list",
    help="List the sends of a DAG",
    description="List the task instances of a DAG that have a ledger, the latest run first.",
    epilog=f"{_LIST_EXAMPLES}\n{CREDENTIALS}",
    func=lazy_load_command("airflow_provider_inforu.cli.listing.list_sends"),
    args=(
        _arg("dag_id", nargs="?", help="The id of the DAG; optional if ledger_path is set"),
        _arg("--run-id", help="Only this DAG run"),
        _arg("--task-id", help="Only this task"),
        _arg("--limit", type=at_least_one, default=100, help="The maximum number of sends; default: 100"),
        URL,
        OUTPUT,
    ),
)

SHOW = ActionCommand(
    name="show",
    help="Show the state of the batches of a send",
    description="Show how many batches of a send are in each state, and list those in doubt or rejected.",
    epilog=f"{_SHOW_EXAMPLES}\n{CREDENTIALS}",
    func=lazy_load_command("airflow_provider_inforu.cli.send_commands.show"),
    args=(*TASK_INSTANCE, OUTPUT),
)

RESOLVE = ActionCommand(
    name="resolve",
    help="Decide about batches in doubt",
    description="Decide about batches in doubt: their people were called, or are called again.",
    epilog=f"{_RESOLVE_EXAMPLES}\n{CREDENTIALS}",
    func=lazy_load_command("airflow_provider_inforu.cli.send_commands.resolve"),
    args=(
        *TASK_INSTANCE,
        _arg(
            "--accept", dest="choice", action=OneChoice, help="The people were called: never call them again"
        ),
        _arg(
            "--resend",
            dest="choice",
            action=OneChoice,
            help="The next try of the task calls the people again",
        ),
        _arg(
            "--batches",
            type=batch_numbers,
            metavar="3,5",
            help="Only these batches; default: all batches in doubt",
        ),
        _arg(
            "--campaign-id",
            type=at_least_one,
            metavar="194",
            help="With --accept: the campaign of the calls. If the first batch duplicates a campaign, the "
            "other batches use this one",
        ),
        YES,
    ),
)

SETUP = ActionCommand(
    name="setup",
    help="Set up the receiver of a connection in one step",
    description=(
        "Set up the receiver of a connection in Airflow's database. The command creates a secret, stores it\n"
        "with the receiver's address, and creates or upgrades the tables. Then it prints the address for\n"
        "Inforu, which contains the secret, and the next steps. You can run it again: it keeps the secret."
    ),
    epilog=_examples("receiver setup --url https://airflow.example.com", "receiver setup --rotate"),
    func=lazy_load_command("airflow_provider_inforu.cli.receiver_setup.set_up"),
    args=(
        CONN_ID,
        _arg(
            "--url",
            help="The address at which workers reach the receiver, such as https://airflow.example.com; "
            "default: receiver_url of the connection, else base_url of section api",
        ),
        _arg(
            "--rotate",
            action="store_true",
            help="Create a new secret. The current one becomes notification_secret_previous, and stays valid",
        ),
    ),
)

RECEIVER = ActionCommand(
    name="receiver",
    help="Run the receiver of Inforu's notifications, or set it up",
    description=(
        "Run the receiver in its own process, for example if the API server is not reachable from outside.\n"
        "The options of section inforu that begin with receiver_ apply. Put a proxy with TLS before it."
    ),
    epilog=_examples("receiver", "receiver --host 0.0.0.0 --port 8090"),
    func=lazy_load_command("airflow_provider_inforu.cli.receiver_commands.serve"),
    args=(
        CommandBelow(SETUP),
        _arg("--host", default="127.0.0.1", help="The address to listen on; default: 127.0.0.1"),
        _arg("--port", type=int, default=8090, help="The port; 0 uses a free port; default: 8090"),
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
    description="Remove old notifications from the receiver's database, in small transactions.",
    epilog=_examples("prune --dry-run", "prune --older-than 30"),
    func=lazy_load_command("airflow_provider_inforu.cli.receiver_commands.prune"),
    args=(
        _arg(
            "--older-than",
            type=int,
            metavar="DAYS",
            help="Remove rows older than this many days, 8 to 36500; default: receiver_retention_days of "
            "section inforu, else 90",
        ),
        _arg("--dry-run", action="store_true", help="Only count the rows"),
        OUTPUT,
    ),
)


def get_inforu_cli_commands() -> list[GroupCommand]:
    """Return the commands for the key ``cli`` of the provider info."""
    sends = GroupCommand(
        name="sends",
        help="Show the ledgers of sends, and decide about people in doubt",
        subcommands=(LIST, SHOW, RESOLVE),
    )
    return [
        GroupCommand(
            name="inforu",
            help="Voice calls through the Inforu API",
            subcommands=(sends, CHECK, QUOTA, CALL, RECEIVER, PRUNE, SANDBOX),
        )
    ]
