"""Operators that wait for the end of the calls, through Airflow's task runner, sandbox and receiver."""

import asyncio
import csv
import json
import time

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.operators.hidden_rows import HiddenRows
from airflow_provider_inforu.operators.voice import InforuSendTextToSpeechOperator
from airflow_provider_inforu.operators.waiting import wait_here, wait_in_triggerer
from airflow_provider_inforu.sending.ended_calls import read_event
from tests.integration.ground import NEVER
from tests.task_runner import TaskRunner

RECEIVER_FIELDS = ("receiver_url", "notification_secret")


@pytest.fixture
def sandbox(connection, inforu_sandbox, receiver):
    """A sandbox that pushes to a receiver which the connection names."""
    inforu_sandbox.update_settings(
        requests_per_second=0, call_seconds=0.05, notification_url=receiver.push_url
    )
    connection(
        requests_per_second=0,
        receiver_url=receiver.url,
        notification_secret=receiver.secret,
    )
    return inforu_sandbox


pytestmark = pytest.mark.usefixtures("sandbox")


@pytest.fixture
def runner():
    return TaskRunner()


def people(count):
    # Past the sandbox's magic numbers, one of which never reports an end.
    return [{"id": f"k{number}", "phone": f"05{number + 1000:08}"} for number in range(1, count + 1)]


def send(recipients, *, deferrable=True, **kwargs):
    with DAG("dag"):
        return InforuSendTextToSpeechOperator(
            task_id="call",
            recipients=recipients,
            message="hello",
            key_field="id",
            retries=2,
            wait_for_calls=True,
            deferrable=deferrable,
            poll_interval=0.1,
            **{"calls_timeout": 30, "max_in_flight": 1, **kwargs},
        )


def event_of(runner):
    """Return what the trigger says in the end."""

    async def run():
        return [event.payload async for event in runner.trigger().run()]

    (event,) = asyncio.run(run())
    return event


def wait_and_resume(runner, task):
    return runner.resume(task, event_of(runner))


@pytest.mark.parametrize("deferrable", [True, False])
def test_the_manifest_holds_the_summary_when_the_calls_have_ended(runner, sandbox, deferrable):
    task = send(people(150), deferrable=deferrable)
    state = runner.run(task)
    if deferrable:
        assert state == "deferred"
        calls = runner.xcoms["return_value"]["calls"]
        assert (calls["calls"], calls["complete"]) == (0, False)
        state = wait_and_resume(runner, task)
    assert state == "success"
    manifest = runner.xcoms["return_value"]
    calls = manifest["calls"]
    assert (manifest["accepted"], calls["calls"], calls["complete"]) == (150, 150, True)
    assert calls["send_id"] == manifest["send_id"]
    by_status = {}
    for call in sandbox.calls():
        by_status[call["status"]] = by_status.get(call["status"], 0) + 1
    assert calls["by_status"] == by_status


def test_a_kill_between_send_and_wait_sends_nothing_again_and_ends_with_the_full_summary(runner, sandbox):
    task = send(people(150))
    assert runner.run(task) == "deferred"
    runner.xcoms.clear()
    task = send(people(150))
    assert runner.run(task, try_number=2) == "deferred"
    assert wait_and_resume(runner, task) == "success"
    assert runner.xcoms["return_value"]["calls"]["calls"] == 150
    assert len(sandbox.calls()) == 150


def test_calls_that_do_not_end_in_time_fail_and_a_retry_waits_again_and_sends_nothing(
    runner, sandbox, capsys
):
    sandbox.update_settings(call_seconds=3)
    task = send(people(3), calls_timeout=0.3)
    assert runner.run(task) == "deferred"
    assert wait_and_resume(runner, task) == "up_for_retry"
    assert "only 0 of 3 calls had ended when `calls_timeout` was over" in capsys.readouterr().out
    assert runner.xcoms["return_value"]["calls"]["complete"] is False
    task = send(people(3))
    assert runner.run(task, try_number=2) == "deferred"
    assert wait_and_resume(runner, task) == "success"
    assert len(sandbox.calls()) == 3


def test_a_batch_in_doubt_whose_calls_reported_is_accepted_by_itself(runner, sandbox):
    sandbox.add_fault("accept_then_drop")
    sandbox.update_settings(notification_delay=NEVER)
    task = send(people(250), max_in_flight=1)
    assert runner.run(task) == "deferred"
    sandbox.update_settings(notification_delay=0)
    assert runner.xcoms["return_value"]["in_doubt"] == 100
    state = wait_and_resume(runner, task)
    while state == "deferred":
        state = wait_and_resume(runner, task)
    assert state == "success"
    manifest = runner.xcoms["return_value"]
    assert (manifest["accepted"], manifest["in_doubt"], manifest["calls"]["calls"]) == (250, 0, 250)
    assert len(sandbox.requests()) == 3


def test_when_everybody_is_in_doubt_and_was_called_the_send_succeeds(runner, sandbox):
    sandbox.add_fault("accept_then_drop")
    sandbox.update_settings(notification_delay=NEVER)
    task = send(people(3))
    assert runner.run(task) == "deferred"
    sandbox.update_settings(notification_delay=0)
    assert wait_and_resume(runner, task) == "deferred"
    assert wait_and_resume(runner, task) == "success"
    assert runner.xcoms["return_value"]["accepted"] == 3


def test_people_in_doubt_who_never_report_fail_the_task_without_a_retry(runner, sandbox, capsys):
    sandbox.add_fault("drop")
    task = send(people(150), calls_timeout=1, max_in_flight=1)
    assert runner.run(task) == "deferred"
    assert wait_and_resume(runner, task) == "failed"
    out = capsys.readouterr().out
    assert "100 are in doubt" in out
    assert "in doubt (unknown if called): k1, k2" in out
    assert runner.xcoms["return_value"]["in_doubt"] == 100
    assert runner.xcoms["return_value"]["calls"]["calls"] == 50


def test_a_cleared_task_asks_the_receiver_before_it_calls_anybody_in_doubt_again(runner, sandbox):
    sandbox.add_fault("accept_then_drop")
    sandbox.update_settings(notification_delay=NEVER)
    task = send(people(3), in_doubt="resend")
    assert runner.run(task) == "deferred"
    sandbox.update_settings(notification_delay=0)
    event_of(runner)
    task = send(people(3), in_doubt="resend")
    assert runner.run(task, try_number=2) == "deferred"
    assert wait_and_resume(runner, task) == "success"
    assert len(sandbox.calls()) == 3


def test_nobody_in_doubt_is_called_again_when_the_receiver_cannot_be_asked(
    runner, sandbox, receiver, connection
):
    sandbox.add_fault("accept_then_drop")
    runner.run(send(people(3), in_doubt="resend"))
    connection(requests_per_second=0, receiver_url="http://127.0.0.1:1", notification_secret=receiver.secret)
    assert runner.run(send(people(3), in_doubt="resend"), try_number=2) == "up_for_retry"
    assert len(sandbox.calls()) == 3


@pytest.mark.parametrize("field", RECEIVER_FIELDS)
def test_a_connection_without_a_receiver_is_an_error_before_anybody_is_called(
    runner, sandbox, receiver, connection, field, capsys
):
    fields = {"receiver_url": receiver.url, "notification_secret": receiver.secret}
    del fields[field]
    connection(**fields)
    assert runner.run(send(people(3))) == "failed"
    assert f"has no {field}" in capsys.readouterr().out
    assert sandbox.calls() == []


def test_an_empty_list_is_not_waited_for(runner):
    assert runner.run(send([])) == "success"
    calls = runner.xcoms["return_value"]["calls"]
    assert (calls["calls"], calls["by_digit"], calls["complete"]) == (0, {}, True)


def test_a_rejected_batch_fails_the_task_after_the_others_have_ended(runner, sandbox):
    sandbox.add_fault("status", status_id=-18)
    task = send(people(150))
    assert runner.run(task) == "deferred"
    assert wait_and_resume(runner, task) == "failed"
    manifest = runner.xcoms["return_value"]
    assert (manifest["rejected"], manifest["calls"]["calls"]) == (100, 50)


def test_an_event_that_cannot_be_read_is_an_error_and_a_retry_waits_again(runner):
    task = send(people(3))
    assert runner.run(task) == "deferred"
    assert runner.resume(task, {"status": "what"}) == "up_for_retry"


@pytest.mark.parametrize("suffix", [".csv", ".ndjson", ".jsonl"])
def test_the_report_has_a_row_for_everybody(runner, sandbox, tmp_path, suffix):
    path = tmp_path / "reports" / f"report{suffix}"
    sandbox.add_fault("status", status_id=-18)
    rows = [*people(150), {"id": "bad", "phone": "1"}]
    task = send(rows, report_path=str(path), invalid_recipients="skip")
    assert runner.run(task) == "deferred"
    assert wait_and_resume(runner, task) == "failed"
    text = path.read_text("utf-8")
    report = (
        list(csv.DictReader(text.splitlines()))
        if suffix == ".csv"
        else [json.loads(line) for line in text.splitlines()]
    )
    by_key = {row["key"]: row for row in report}
    assert len(by_key) == len(report) == 151
    assert [row["state"] for row in report] == ["rejected"] * 100 + ["accepted"] * 50 + ["skipped"]
    assert "-18" in by_key["k1"]["reason"]
    assert by_key["bad"]["reason"] == "the phone is not a phone number"
    called = {call["message_id"].split("-", 1)[1]: call for call in sandbox.calls()}
    for key, call in called.items():
        assert by_key[key]["outcome"] == call["status"]
        assert int(by_key[key]["seconds"]) == call["seconds"]
        assert (by_key[key]["digit"] or None) == (call["digit"] or None)
        assert by_key[key]["ended_at"].endswith("+00:00")
    assert "05000" not in text


def test_a_report_can_be_had_without_waiting(runner, connection, tmp_path):
    connection(requests_per_second=0)
    path = tmp_path / "report.csv"
    task = send(people(3), report_path=str(path))
    task.wait_for_calls = False
    assert runner.run(task) == "success"
    assert [row["state"] for row in csv.DictReader(path.read_text().splitlines())] == ["accepted"] * 3


def test_a_report_that_cannot_be_written_is_an_error_and_a_retry_writes_it_and_calls_nobody(
    runner, sandbox, tmp_path, capsys
):
    path = tmp_path / "report.csv"
    path.mkdir()
    task = send(people(3), report_path=str(path), deferrable=False)
    assert runner.run(task) == "up_for_retry"
    assert "was not written: " in capsys.readouterr().out
    path.rmdir()
    assert runner.run(send(people(3), report_path=str(path), deferrable=False), try_number=2) == "success"
    assert path.exists()
    assert len(sandbox.calls()) == 3


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ({"report_path": "report.txt"}, "`report_path` must end in one of .csv, .ndjson, .jsonl"),
        ({"calls_timeout": 0}, "`calls_timeout` must be a number of seconds"),
        ({"calls_timeout": float("nan")}, "`calls_timeout` must be a number of seconds"),
        ({"max_in_flight": True}, "`max_in_flight` must be a whole number"),
    ],
)
def test_an_invalid_argument_is_an_error_when_the_dag_is_parsed(argument, words):
    with pytest.raises(InforuInputError, match=words):
        send(people(3), **argument)


def test_without_a_ledger_the_wait_is_in_the_worker(sandbox):
    manifest = hidden(send(people(3))).execute({"ti": Instance()})
    assert manifest["calls"]["complete"] is True
    assert len(sandbox.calls()) == 3


def hidden(task):
    """Hide a task's rows, as Airflow's rendering does."""
    task.recipients = HiddenRows(task.recipients)
    return task


class Instance:
    """A task instance of an Airflow that keeps no state for tasks."""

    dag_id, run_id, task_id, map_index = "dag", "run", "call", -1
    try_number, max_tries = 1, 2

    def xcom_push(self, key, value):
        self.xcoms = {key: value}


def test_a_mapped_task_goes_on_after_its_own_wait(runner):
    task = send(people(3))
    assert runner.run(task, map_index=1) == "deferred"
    event = event_of(runner)
    asked = []
    runner.on_xcom = asked.append
    assert runner.resume(task, event) == "success"
    assert not [path for path in asked if path.endswith("/slice")], (
        "the XComs of all map indexes were asked for"
    )


def test_a_wait_whose_manifest_was_lost_ends_with_the_manifest_of_the_ledger(runner, sandbox):
    task = send(people(3))
    assert runner.run(task) == "deferred"
    event = event_of(runner)
    runner.xcoms.clear()
    state = runner.resume(task, event)
    assert (wait_and_resume(runner, task) if state == "deferred" else state) == "success"
    assert runner.xcoms["return_value"]["calls"]["calls"] == 3
    assert len(sandbox.calls()) == 3


def test_in_the_worker_too_everybody_of_a_batch_that_was_in_doubt_is_waited_for(runner, sandbox):
    sandbox.add_fault("accept_then_drop")
    assert runner.run(send(people(150), deferrable=False)) == "success"
    manifest = runner.xcoms["return_value"]
    assert (manifest["accepted"], manifest["calls"]["calls"], manifest["calls"]["complete"]) == (
        150,
        150,
        True,
    )


def test_people_in_doubt_are_called_again_by_the_try_after_the_wait_and_waited_for(runner, sandbox):
    sandbox.add_fault("drop")
    task = send(people(3), in_doubt="resend", calls_timeout=0.5)
    assert runner.run(task) == "deferred"
    assert wait_and_resume(runner, task) == "up_for_retry"
    task = send(people(3), in_doubt="resend")
    assert runner.run(task, try_number=2) == "deferred"
    assert wait_and_resume(runner, task) == "success"
    assert runner.xcoms["return_value"]["calls"]["calls"] == 3
    assert len(sandbox.calls()) == 3


def test_a_report_that_cannot_be_written_does_not_hide_people_in_doubt(runner, sandbox, tmp_path, capsys):
    path = tmp_path / "report.csv"
    path.mkdir()
    sandbox.add_fault("drop")
    task = send(people(3), report_path=str(path), deferrable=False, calls_timeout=0.3)
    assert runner.run(task) == "failed"
    out = capsys.readouterr().out
    assert "3 are in doubt" in out
    assert "airflow inforu sends resolve" in out
    assert "was not written" in out
    assert runner.xcoms["return_value"]["in_doubt"] == 3


def test_rejected_people_are_told_how_to_be_called(runner, sandbox, capsys):
    sandbox.add_fault("status", status_id=-18)
    assert runner.run(send(people(3))) == "failed"
    assert "call them in a new DAG run" in capsys.readouterr().out


def test_without_a_ledger_a_wait_that_ends_in_vain_is_not_retried(sandbox):
    sandbox.update_settings(call_seconds=30)
    task = hidden(send(people(3), calls_timeout=0.2))
    with pytest.raises(AirflowFailException, match="Retries are disabled because this send has no ledger"):
        task.execute({"ti": Instance()})


def test_without_a_ledger_people_in_doubt_are_called_by_no_later_try(sandbox):
    sandbox.add_fault("accept_then_drop")
    task = hidden(send(people(3), in_doubt="resend", calls_timeout=0.2))
    task.wait_for_calls = False
    with pytest.raises(AirflowFailException, match="3 are in doubt"):
        task.execute({"ti": Instance()})
    again = Instance()
    again.try_number = 2
    with pytest.raises(AirflowFailException, match="This is try 2"):
        hidden(send(people(3), in_doubt="resend")).execute({"ti": again})
    assert len(sandbox.calls()) == 3


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ({"deferrable": "false"}, "`deferrable` must be True or False"),
        ({"report_path": "ftp://me:hidden@host/report.csv"}, "`report_path` contains a password"),
    ],
)
def test_what_no_template_can_say_is_refused(argument, words):
    with pytest.raises(InforuInputError, match=words) as error:
        send(people(3), **argument)
    assert "hidden" not in str(error.value)


def test_a_send_that_stops_writes_its_report_too_so_that_none_of_an_earlier_run_speaks_for_it(
    runner, sandbox, tmp_path
):
    path = tmp_path / "report.csv"
    path.write_text("of an earlier run")
    sandbox.add_fault("status", status_id=-2)
    assert runner.run(send(people(3), report_path=str(path))) == "up_for_retry"
    assert [row["state"] for row in csv.DictReader(path.read_text().splitlines())] == ["not_sent"] * 3


def test_a_receiver_that_cannot_be_asked_costs_the_report_its_outcomes_only_and_is_named(
    runner, receiver, connection, tmp_path, capsys
):
    connection(requests_per_second=0, receiver_url="http://127.0.0.1:1", notification_secret=receiver.secret)
    path = tmp_path / "report.csv"
    task = send(people(3), report_path=str(path))
    task.wait_for_calls = False
    assert runner.run(task) == "up_for_retry"
    assert "was written without outcomes: " in capsys.readouterr().out
    assert [row["state"] for row in csv.DictReader(path.read_text().splitlines())] == ["accepted"] * 3


def test_the_log_says_how_the_send_and_its_calls_ended(runner, capsys):
    assert runner.run(send(people(3), deferrable=False)) == "success"
    out = capsys.readouterr().out
    assert ": 3 accepted, 0 rejected, 0 in doubt, 0 skipped; calls ended: 3 (" in out


def test_a_receiver_that_cannot_be_reached_is_an_error_before_anybody_is_called(
    runner, sandbox, receiver, connection, capsys, monkeypatch
):
    monkeypatch.setattr("airflow_provider_inforu.hooks.receiver_access.PAUSES", ())
    connection(requests_per_second=0, receiver_url="http://127.0.0.1:1", notification_secret=receiver.secret)
    for deferrable in (True, False):
        assert runner.run(send(people(3), deferrable=deferrable)) == "up_for_retry"
        assert "No new calls were placed" in capsys.readouterr().out
    assert sandbox.calls() == []


@pytest.mark.parametrize("deferrable", [True, False])
@pytest.mark.parametrize("mistake", ["wrong secret", "another server", "unknown connection"])
def test_a_receiver_that_refuses_fails_the_task_without_a_retry_before_anybody_is_called(
    runner, sandbox, receiver, connection, capsys, mistake, deferrable
):
    fields = {"receiver_url": receiver.url, "notification_secret": receiver.secret, "requests_per_second": 0}
    if mistake == "wrong secret":
        fields["notification_secret"] = "another-secret-than-the-receiver"
    elif mistake == "another server":
        fields["receiver_url"] = sandbox.url
    else:
        receiver.secrets.clear()
    connection(**fields)
    assert runner.run(send(people(3), deferrable=deferrable)) == "failed"
    assert "No new calls were placed" in capsys.readouterr().out
    assert sandbox.calls() == []


@pytest.mark.parametrize("deferrable", [True, False])
@pytest.mark.parametrize(
    ("conn_id", "secret", "words"),
    [
        ("inforu_default", "wrong", "to this connection: wrong or missing secret"),
        ("inforu_defualt", None, "to other names: unknown connection name"),
    ],
    ids=["wrong secret", "misspelt name"],
)
def test_when_the_time_is_over_the_error_says_what_the_receiver_refused(
    runner, sandbox, receiver, capsys, deferrable, conn_id, secret, words
):
    path = f"{receiver.url}/inforu/v1/{conn_id}/notifications?secret={secret or receiver.secret}"
    sandbox.update_settings(notification_url=path, call_seconds=0)
    task = send(people(3), deferrable=deferrable, calls_timeout=3)
    state = runner.run(task)
    if deferrable:
        assert state == "deferred"
        state = wait_and_resume(runner, task)
    assert state == "up_for_retry"
    out = capsys.readouterr().out
    assert "only 0 of 3 calls had ended when `calls_timeout` was over" in out
    assert "has never stored a push for the connection 'inforu_default'" in out
    (error,) = [line for line in out.splitlines() if "Error: send " in line and "calls_timeout" in line][:1]
    assert words in error
    assert "inforu_defualt" not in error


@pytest.mark.parametrize("deferrable", [True, False])
def test_the_log_says_how_many_of_how_many_calls_have_ended(runner, sandbox, capsys, deferrable):
    sandbox.update_settings(call_seconds=1)
    task = send(people(3), deferrable=deferrable)
    state = runner.run(task)
    if deferrable:
        state = wait_and_resume(runner, task)
    assert state == "success"
    assert "0 of 3 calls have ended" in capsys.readouterr().out


def test_a_wait_that_goes_on_keeps_the_deadline_it_is_given(runner):
    task = send(people(3))
    assert runner.run(task) == "deferred"
    manifest = runner.xcoms["return_value"]
    at = time.time() + 1000
    with pytest.raises(TaskDeferred) as deferral:
        wait_in_triggerer(task, manifest, at)
    assert deferral.value.trigger.deadline == at
    event = event_of(runner)
    assert read_event(event).deadline == runner.trigger().deadline
    over = wait_here(task, task._hook, {**manifest, "accepted": 4}, time.time() - 1)
    assert (str(over.verdict), over.expected) == ("timeout", 4)
