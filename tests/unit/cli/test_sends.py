"""`airflow inforu sends show|resolve` on a ledger in object storage."""

import io
import json
import sys

import pytest

from airflow_provider_inforu.ledger.batch_state import BatchState
from airflow_provider_inforu.ledger.ledger_events import Accepted, IntentLogged
from airflow_provider_inforu.ledger.ledger_keys import attempt_key
from airflow_provider_inforu.ledger.ledger_log import open_ledger
from airflow_provider_inforu.ledger.ledger_reader import Header, read_ledger
from airflow_provider_inforu.ledger.object_storage_store import ObjectStorageStore
from tests.unit.cli.conftest import NAMES


class Terminal(io.StringIO):
    def isatty(self):
        return True


def records(store):
    return read_ledger(store)[1]


@pytest.mark.usefixtures("stored")
def test_show_prints_the_counts_and_the_batches_that_need_a_person(run):
    code, out, _ = run("show")
    assert code == 0
    lines = [" ".join(line.replace("|", " ").split()) for line in out.splitlines()]
    for line in (
        "send 5e0d",
        "recipients 450 people in 5 batches",
        "accepted 100 people in 1 batch",
        "rejected 100 people in 1 batch",
        "in doubt 200 people in 2 batches",
        "not sent 50 people in 1 batch",
        "attempts 1",
        "campaigns 7",
    ):
        assert line in lines
    assert "2 101 to 200 in doubt the reply is unknown" in lines
    assert "3 201 to 300 rejected StatusId -18 [bold]no[/bold]" in lines
    assert "People are numbered in the order in which they are called" in out
    assert "campaign 7" in out


@pytest.mark.usefixtures("stored")
def test_show_prints_json_for_programs(run):
    _, out, _ = run("show", "--output", "json")
    assert json.loads(out) == {
        "send_id": "5e0d",
        "recipients": 450,
        "requests": 5,
        "attempts": 1,
        "batches": {"accepted": 1, "rejected": 1, "in_doubt": 2, "not_sent": 1},
        "people": {"accepted": 100, "rejected": 100, "in_doubt": 200, "not_sent": 50},
        "campaign_ids": [7],
        "batch_people": {"2": [101, 200], "3": [201, 300], "4": [301, 400]},
        "in_doubt": [2, 4],
        "rejected": [{"batch": 3, "reason": "StatusId -18 [bold]no[/bold]"}],
    }


def test_accept_settles_all_batches_in_doubt_as_called(run, stored):
    code, out, _ = run("resolve", "--accept", "--yes")
    assert code == 0
    assert "batches 2, 4: counted as called" in out
    assert "Now clear the task call of the run run" in out
    assert "still fail, because Inforu rejected batch 3" in out
    assert [records(stored)[number].state for number in (2, 4)] == [BatchState.ACCEPTED] * 2
    assert records(stored)[2].request_token is None


def test_resend_settles_the_named_batches_as_not_sent_and_leaves_the_others_in_doubt(run, stored):
    code, out, _ = run("resolve", "--resend", "--batches", "4", "--yes")
    assert code == 0
    assert "batch 4: will be sent again by the next try" in out
    assert "Still in doubt: batch 2" in out
    assert 4 not in records(stored)
    assert records(stored)[2].state is BatchState.SUBMITTING


@pytest.mark.parametrize("batches", ["1", "3", "5", "9", "2,3"])
def test_batches_that_are_not_in_doubt_are_refused_and_nothing_is_changed(run, stored, batches):
    before = records(stored)
    code, _, err = run("resolve", "--accept", "--yes", "--batches", batches)
    assert code == 1
    assert "Not in doubt: batch " in err
    assert records(stored) == before


@pytest.mark.usefixtures("stored")
def test_what_is_settled_already_is_nothing_to_do(run):
    run("resolve", "--accept", "--yes")
    code, out, _ = run("resolve", "--resend", "--yes")
    assert code == 0
    assert "no batch is in doubt" in out


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--accept", "--resend"),
        ("--accept", "--batches", "x"),
        ("--accept", "--batches", "0"),
        ("--accept", "--batches", "-1"),
        ("--accept", "--batches", ""),
        ("--accept", "--map-index", "x"),
        ("--accept", "--campaign-id", "x"),
        ("--accept", "--campaign-id=-1"),
        ("--accept", "--campaign-id", "0"),
        ("--resend", "--campaign-id", "194"),
    ],
)
def test_wrong_usage_ends_with_2(run, stored, arguments):
    before = records(stored)
    code, _, err = run("resolve", "--yes", *arguments)
    assert code == 2
    assert err
    assert records(stored) == before


def test_without_a_terminal_and_without_yes_nothing_is_changed(run, stored, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    code, _, err = run("resolve", "--accept")
    assert code == 2
    assert "Use --yes" in err
    assert records(stored)[2].state is BatchState.SUBMITTING


@pytest.mark.parametrize(("typed", "code"), [("y\n", 0), ("YES\n", 0), ("n\n", 1), ("\n", 1), ("", 1)])
def test_a_person_is_asked_and_only_a_yes_counts(run, stored, monkeypatch, typed, code):
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    ended, _, err = run("resolve", "--resend")
    assert ended == code
    assert "will be called TWICE" in err
    assert ("nothing was changed" in err) == bool(code)
    assert (2 in records(stored)) == bool(code)


def test_what_changed_while_a_person_thought_is_not_settled(run, stored, monkeypatch):
    class Thinking(Terminal):
        def readline(self):
            ledger = open_ledger(
                stored, Header("5e0d", "options_digest", batches=5, recipients=450, clear_generation=0)
            )
            ledger.write([Accepted(4, "receipt", 7)])
            return "y\n"

    monkeypatch.setattr(sys, "stdin", Thinking())
    code, _, err = run("resolve", "--resend", "--batches", "2")
    assert (code, "ledger has changed" in err) == (1, True)
    assert records(stored)[2].state is BatchState.SUBMITTING


@pytest.mark.usefixtures("ledger_path")
@pytest.mark.parametrize("command", [("show",), ("resolve", "--accept", "--yes")])
def test_no_ledger_is_one_line_and_leaves_nothing_behind(run, command):
    code, _, err = run(*command, names=("dag", "another", "call"))
    assert code == 1
    assert "has no ledger" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("command", [("show",), ("resolve", "--accept", "--yes")])
@pytest.mark.parametrize("damage", ["{", "[]", '{"version": 99}', '{"version": 1}'])
def test_a_damaged_ledger_is_one_line(run, stored, command, damage):
    (stored._folder / f"{attempt_key(stored.latest())}.json").write_text(damage)
    code, _, err = run(*command)
    assert code == 1
    assert "ledger" in err
    assert err.count("\n") == 1


def test_a_decision_that_is_written_and_cannot_be_printed_is_said_to_be_written(run, stored, monkeypatch):
    class Deaf(io.StringIO):
        def flush(self):
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Deaf())
    code, _, err = run("resolve", "--accept", "--yes")
    assert code == 1
    assert "batches 2, 4: counted as called. The decision is stored, but" in err
    assert records(stored)[2].state is BatchState.ACCEPTED


def test_a_storage_that_cannot_be_reached_is_one_line(run, monkeypatch):
    monkeypatch.setenv("AIRFLOW__INFORU__LEDGER_PATH", "nosuchscheme://bucket/ledgers")
    code, out, err = run("show", "-o", "json")
    assert code == 1
    assert (
        "The ledger below 'nosuchscheme://bucket/ledgers' cannot be read or written"
        in json.loads(out)["error"]
    )
    assert err.startswith("airflow inforu: ")
    assert err.count("\n") == 1


def test_a_mapped_task_has_a_ledger_for_each_index(run, ledger_path):
    store = ObjectStorageStore(ledger_path, (*NAMES, "3"))
    open_ledger(store, Header("0003", "options_digest", batches=1, recipients=1, clear_generation=0))
    assert run("show")[0] == 1
    assert "0003" in run("show", "--map-index", "3")[1]


def test_an_attempt_that_still_runs_goes_on_and_its_answers_stand(run, ledger_path):
    store = ObjectStorageStore(ledger_path, (*NAMES, "-1"))
    ledger = open_ledger(
        store, Header("5e0d", "options_digest", batches=2, recipients=200, clear_generation=0)
    )
    ledger.write([IntentLogged(1, "digest")])
    assert run("resolve", "--resend", "--yes")[0] == 0
    ledger.write([Accepted(1, "receipt", 7), IntentLogged(2, "digest")])
    assert records(store)[1].request_token == "receipt"


def test_a_decision_that_is_lost_is_told(run, stored, monkeypatch):
    put = ObjectStorageStore.put

    def put_and_lose(store, key, value):
        put(store, key, value)
        (store._folder / f"{key}.json").unlink()

    monkeypatch.setattr(ObjectStorageStore, "put", put_and_lose)
    code, _, err = run("resolve", "--resend", "--yes")
    assert (code, "still in doubt" in err) == (1, True)
    assert records(stored)[2].state is BatchState.SUBMITTING


def test_the_campaign_of_accepted_calls_can_be_named(run, stored):
    assert run("resolve", "--accept", "--campaign-id", "194", "--yes")[0] == 0
    assert records(stored)[2].campaign_id == 194
