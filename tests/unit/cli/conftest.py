"""What the tests of the commands share: ledgers as a send leaves them, and Airflow's way to a command."""

import argparse
import secrets

import pytest

from airflow_provider_inforu.cli.definition import get_inforu_cli_commands
from airflow_provider_inforu.ledger.ledger_events import Accepted, IntentLogged, Rejected
from airflow_provider_inforu.ledger.ledger_log import open_ledger
from airflow_provider_inforu.ledger.ledger_reader import Header
from airflow_provider_inforu.ledger.object_storage_store import ObjectStorageStore
from tests.unit.cli.airflow_server import AirflowServer

NAMES = ("dag", "run", "call")


def write_ledger(store):
    """Batch 1 was accepted, 2 and 4 are in doubt, 3 was rejected, 5 was not sent."""
    ledger = open_ledger(
        store, Header("5e0d", "options_digest", batches=5, recipients=450, clear_generation=0)
    )
    ledger.write([IntentLogged(number, f"digest{number}") for number in (1, 2, 3, 4)])
    ledger.write([Accepted(1, "receipt", 7), Rejected(3, "StatusId -18 [bold]no[/bold]")])
    return store


@pytest.fixture
def ledger_path(monkeypatch):
    path = f"memory://ledgers-{secrets.token_hex(4)}"
    monkeypatch.setenv("AIRFLOW__INFORU__LEDGER_PATH", path)
    return path


@pytest.fixture
def stored(ledger_path):
    """Return the store of a ledger in object storage."""
    return write_ledger(ObjectStorageStore(ledger_path, (*NAMES, "-1")))


@pytest.fixture
def airflow(monkeypatch):
    """Run a server that answers as Airflow's API does, and no user in the environment."""
    for name in ("TOKEN", "USERNAME", "PASSWORD"):
        monkeypatch.delenv(f"AIRFLOW_API_{name}", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with AirflowServer() as server:
        monkeypatch.setenv("AIRFLOW__API__BASE_URL", server.url)
        yield server


def add_commands(parser, commands):
    """Add commands to a parser as Airflow does."""
    adder = parser.add_subparsers()
    for command in commands:
        one = adder.add_parser(command.name)
        if hasattr(command, "subcommands"):
            add_commands(one, command.subcommands)
            continue
        one.set_defaults(func=command.func)
        for arg in command.args:
            arg.add_to_parser(one)


def parse(*arguments):
    """Return the arguments of `airflow inforu` as Airflow's own parser reads them."""
    (inforu,) = get_inforu_cli_commands()
    parser = argparse.ArgumentParser()
    add_commands(parser, inforu.subcommands)
    return parser.parse_args(arguments)


@pytest.fixture
def inforu(capsys):
    """Run `airflow inforu …`; return its exit code, what it wrote to stdout, and to stderr."""

    def run_command(*arguments):
        capsys.readouterr()
        code = 0
        try:
            args = parse(*arguments)
            args.func(args)
        except SystemExit as end:
            code = end.code
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return code, out, err

    return run_command


@pytest.fixture
def run(inforu):
    """Run a command about the sends of a task instance."""
    return lambda command, *arguments, names=NAMES: inforu("sends", command, *names, *arguments)
