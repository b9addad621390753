"""The commands as Airflow finds them."""

import shlex
import subprocess
import sys

import pytest
from airflow.cli.cli_parser import get_parser

from airflow_provider_inforu.cli.argument_types import CommandBelow
from airflow_provider_inforu.cli.definition import get_inforu_cli_commands
from tests.unit.cli.conftest import NAMES, parse


def actions(commands):
    for command in commands:
        if hasattr(command, "subcommands"):
            yield from actions(command.subcommands)
            continue
        yield command
        yield from (arg.command for arg in command.args if isinstance(arg, CommandBelow))


ACTIONS = list(actions(get_inforu_cli_commands()))


def imported_by(statement, *, after):
    code = f"import sys; {after}; before = set(sys.modules); {statement}; print(*(set(sys.modules) - before))"
    ended = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return set(ended.stdout.split())


def test_the_definition_loads_nothing_but_itself():
    added = imported_by(
        "from airflow_provider_inforu.cli.definition import get_inforu_cli_commands as get; get()",
        after="import airflow.cli.cli_config",
    )
    package = "airflow_provider_inforu"
    assert added - {package} == {
        f"{package}.cli",
        f"{package}.cli.argument_types",
        f"{package}.cli.definition",
        f"{package}.sandbox",
        f"{package}.sandbox.options",
    }


def test_airflow_has_the_commands():
    args = get_parser().parse_args(["inforu", "sends", "resolve", *NAMES, "--accept", "--batches", "5,3,3"])
    assert (args.choice, args.batches, args.yes, args.map_index) == ("accept", [3, 5], False, -1)
    assert parse("sends", "show", *NAMES).output == "table"
    assert {action.name for action in ACTIONS} == {
        *("list", "show", "resolve"),
        *("check", "quota", "call", "receiver", "setup", "prune", "sandbox"),
    }


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_the_help_of_each_command_has_examples_that_airflow_takes(action):
    lines = [line.strip() for line in action.epilog.splitlines()]
    examples = [line for line in lines if line.startswith("airflow inforu ")]
    assert examples
    for example in examples:
        args = get_parser().parse_args(shlex.split(example)[1:])
        assert args.func.__name__ == action.func.__name__


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_the_help_of_each_command_has_no_brackets_that_airflow_takes_for_markup(action):
    texts = [action.help, action.description, action.epilog, *(arg.kwargs["help"] for arg in action.args)]
    assert not [text for text in texts if "[" in text]
