"""What commands write for people: bars go to stderr, and only where that is a terminal."""

import json

import pytest

from airflow_provider_inforu.cli.terminal import bar


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
