"""What commands write for people: bars go to stderr, and only where that is a terminal."""

import json
from argparse import Namespace

import pytest

from airflow_provider_inforu.cli.cli_errors import CommandError, handle_cli_errors
from airflow_provider_inforu.cli.terminal import bar, print_table


def test_a_bar_shows_only_on_a_terminal(capsys, monkeypatch):
    for forced in ("", "1"):
        monkeypatch.setenv("FORCE_COLOR", forced)
        with bar("Old rows") as show:
            show(3, 7)
        out, err = capsys.readouterr()
        assert out == ""
        assert ("Old rows" in err) == bool(forced)


@pytest.mark.usefixtures("stored")
def test_a_bar_leaves_the_output_for_programs_alone(inforu, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    code, out, err = inforu("sends", "list", "-o", "json")
    assert (code, len(json.loads(out)), "Task instances" in err) == (0, 1, True)


def test_no_table_sends_the_vendors_commands_to_the_terminal(capsys):
    print_table([{"reason": "\x1b]0;pwned\x07\x1b[2J[red]no"}])
    out = capsys.readouterr().out
    assert "\x1b]" not in out
    assert "\x1b[2J" not in out
    assert "[red]no" in out


def test_no_error_sends_the_vendors_commands_to_the_terminal(capsys):
    @handle_cli_errors("it failed")
    def command(_):
        raise CommandError("Inforu said \x1b]0;pwned\x07\x1b[2J")

    with pytest.raises(SystemExit):
        command(Namespace(output=None))
    err = capsys.readouterr().err
    assert err.startswith("airflow inforu: Inforu said ")
    assert err.removesuffix("\n").isprintable()
