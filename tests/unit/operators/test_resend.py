"""People in doubt who are called again: until their second request is accepted, the doubt stays."""

import datetime as dt
import json
from datetime import timedelta

import pytest
from airflow.sdk import DAG

from airflow_provider_inforu.operators.voice import InforuSendTextToSpeechOperator
from tests.integration.ground import NEVER
from tests.receiver import end_of_call
from tests.task_runner import TaskRunner


@pytest.fixture
def runner():
    return TaskRunner()


@pytest.fixture(params=["task state", "ledger path"], autouse=True)
def place(request, tmp_path, monkeypatch):
    if request.param == "ledger path":
        monkeypatch.setenv("AIRFLOW__INFORU__LEDGER_PATH", str(tmp_path / "ledgers"))
    return request.param


@pytest.fixture
def sandbox(connection, inforu_sandbox):
    inforu_sandbox.update_settings(requests_per_second=0)
    connection(requests_per_second=0)
    return inforu_sandbox


@pytest.fixture
def pushing(connection, inforu_sandbox, receiver):
    """A sandbox whose notifications arrive only when a test pushes them."""
    inforu_sandbox.update_settings(
        requests_per_second=0, notification_url=receiver.push_url, notification_delay=NEVER
    )
    connection(requests_per_second=0, receiver_url=receiver.url, notification_secret=receiver.secret)
    return inforu_sandbox


def people(count, first=1):
    return [{"id": f"k{n}", "phone": f"050{1110000 + n}"} for n in range(first, first + count)]


def call(recipients, in_doubt="resend", **arguments):
    given = {"message": "hello", "key_field": "id", "retries": 2, "max_in_flight": 1, **arguments}
    with DAG("dag"):
        return InforuSendTextToSpeechOperator(
            task_id="call", recipients=recipients, in_doubt=in_doubt, **given
        )


def push_all(receiver, sandbox):
    receiver.push([end_of_call(one["message_id"]) for one in sandbox.calls()])


def phones_called_twice(sandbox):
    phones = [one["phone"] for one in sandbox.calls()]
    return {phone for phone in phones if phones.count(phone) > 1}


def decide_to_call_again(runner):
    """Do what `airflow inforu sends resolve --resend` does."""
    (attempt,) = (key for key in runner.state_store if key.startswith("inforu_ledger.0") and key[-2] != ".")
    request = f"{attempt.removeprefix('inforu_ledger.')}.0"
    runner.state_store[f"inforu_ledger.decision.{request}"] = json.dumps(
        {"choice": "resend", "campaign_id": None}
    )


REFUSALS = {
    "a quota": {"kind": "status", "status_id": -13},
    "a long rate limit": {"kind": "rate_limit", "retry_after": 400},
}


@pytest.mark.parametrize("then", ["resend", "fail"])
@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_refused_resend_leaves_the_doubt_and_a_later_notification_ends_it(
    runner, pushing, receiver, refusal, then
):
    pushing.add_fault("accept_then_drop")
    assert runner.run(call(people(3))) == "up_for_retry"
    pushing.add_fault(**REFUSALS[refusal])
    assert runner.run(call(people(3)), try_number=2) == "up_for_retry"
    push_all(receiver, pushing)
    assert runner.run(call(people(3), then), try_number=3) == "success"
    assert not phones_called_twice(pushing)
    assert runner.xcoms["return_value"]["accepted"] == 3


def test_a_resend_that_stops_names_everybody_it_did_not_reach(runner, sandbox, capsys):
    sandbox.add_fault("accept_then_drop", count=2)
    assert runner.run(call(people(200))) == "up_for_retry"
    sandbox.add_fault("status", status_id=-13)
    capsys.readouterr()
    assert runner.run(call(people(200)), try_number=2) == "up_for_retry"
    out = capsys.readouterr().out
    assert "200 are in doubt" in out
    assert "The next try calls the recipients in doubt again" in out
    assert "calls nobody twice" not in out
    assert "The reason for the stop: Inforu refused Voice/Message/Send" in out
    assert runner.run(call(people(200), "fail"), try_number=3) == "failed"
    assert not phones_called_twice(sandbox)


def test_a_resend_that_the_execution_timeout_ends_before_its_request_leaves_the_doubt(runner, sandbox):
    sandbox.add_fault("accept_then_drop")
    assert runner.run(call(people(3))) == "up_for_retry"
    sandbox.add_fault("rate_limit", retry_after=60)
    assert runner.run(call(people(3), execution_timeout=timedelta(seconds=2)), try_number=2) == "up_for_retry"
    assert runner.run(call(people(3), "fail"), try_number=3) == "failed"
    assert not phones_called_twice(sandbox)


def test_a_resend_outside_the_sending_window_leaves_the_doubt(runner, sandbox):
    sandbox.add_fault("accept_then_drop")
    assert runner.run(call(people(3))) == "up_for_retry"
    later = dt.datetime.now(dt.UTC) + timedelta(hours=3)
    window = f"{later:%H:%M}-{later + timedelta(hours=1):%H:%M}"
    closed = {"sending_window": window, "timezone": "UTC", "outside_window": "fail"}
    assert runner.run(call(people(3), **closed), try_number=2) == "failed"
    assert runner.run(call(people(3), "fail"), try_number=3) == "failed"
    assert not phones_called_twice(sandbox)


def test_a_rejected_resend_is_in_doubt_and_is_not_sent_a_third_time(runner, sandbox, tmp_path, capsys):
    report = tmp_path / "report.ndjson"
    arguments = {"report_path": str(report)}
    sandbox.add_fault("accept_then_drop")
    assert runner.run(call(people(3), **arguments)) == "up_for_retry"
    sandbox.add_fault("status", status_id=-18)
    capsys.readouterr()
    assert runner.run(call(people(3), **arguments), try_number=2) == "failed"
    out = capsys.readouterr().out
    assert "rejected, not called" not in out
    assert "3 are in doubt" in out
    assert [json.loads(line)["state"] for line in report.read_text().splitlines()] == ["in_doubt"] * 3
    runner.max_tries += 2
    assert runner.run(call(people(3), **arguments), try_number=3) == "failed"
    assert not phones_called_twice(sandbox)


def test_after_a_rejected_resend_nothing_is_left_to_send_so_changed_rows_stop_nothing(
    runner, sandbox, capsys
):
    sandbox.add_fault("accept_then_drop")
    assert runner.run(call(people(3))) == "up_for_retry"
    sandbox.add_fault("status", status_id=-18)
    assert runner.run(call(people(3)), try_number=2) == "failed"
    runner.max_tries += 2
    capsys.readouterr()
    assert runner.run(call(people(4)), try_number=3) == "failed"
    out = capsys.readouterr().out
    assert "was not continued" not in out
    assert "3 are in doubt" in out


def test_a_notification_counts_after_a_rejected_resend(runner, pushing, receiver):
    pushing.add_fault("accept_then_drop")
    assert runner.run(call(people(3))) == "up_for_retry"
    pushing.add_fault("status", status_id=-18)
    assert runner.run(call(people(3)), try_number=2) == "failed"
    push_all(receiver, pushing)
    runner.max_tries += 2
    assert runner.run(call(people(3), "fail"), try_number=3) == "success"
    assert runner.xcoms["return_value"]["accepted"] == 3


def test_the_counts_of_the_page_keep_the_doubt(runner, sandbox):
    sandbox.add_fault("accept_then_drop")
    assert runner.run(call(people(3))) == "up_for_retry"
    sandbox.add_fault("status", status_id=-13)
    assert runner.run(call(people(3)), try_number=2) == "up_for_retry"
    counts = runner.xcoms["inforu_send_counts"]
    assert (counts["in_doubt"], counts["not_sent"]) == (3, 0)


def test_rows_that_change_after_a_refused_resend_leave_everybody_in_doubt(runner, sandbox, capsys):
    sandbox.add_fault("accept_then_drop")
    assert runner.run(call(people(3))) == "up_for_retry"
    sandbox.add_fault("status", status_id=-13)
    assert runner.run(call(people(3)), try_number=2) == "up_for_retry"
    capsys.readouterr()
    assert runner.run(call(people(4)), try_number=3) == "failed"
    assert "3 are in doubt" in capsys.readouterr().out


@pytest.mark.parametrize("place", ["task state"], indirect=True)
def test_a_notification_outranks_the_decision_to_call_again(runner, pushing, receiver):
    pushing.add_fault("accept_then_drop")
    assert runner.run(call(people(3), "fail")) == "failed"
    decide_to_call_again(runner)
    push_all(receiver, pushing)
    runner.max_tries += 2
    assert runner.run(call(people(3), "fail"), try_number=2) == "success"
    assert not phones_called_twice(pushing)


@pytest.mark.parametrize("place", ["task state"], indirect=True)
def test_a_decision_to_call_again_waits_for_the_receiver(runner, connection, inforu_sandbox):
    inforu_sandbox.update_settings(requests_per_second=0)
    connection(
        requests_per_second=0, receiver_url="http://127.0.0.1:9", notification_secret="a-secret-of-tests-1234"
    )
    inforu_sandbox.add_fault("accept_then_drop")
    assert runner.run(call(people(3), "fail")) == "failed"
    decide_to_call_again(runner)
    runner.max_tries += 2
    assert runner.run(call(people(3), "fail"), try_number=2) == "up_for_retry"
    assert not phones_called_twice(inforu_sandbox)


@pytest.mark.parametrize("place", ["task state"], indirect=True)
def test_a_try_that_cannot_ask_the_receiver_leaves_the_earlier_report(
    runner, pushing, connection, receiver, tmp_path
):
    report = tmp_path / "report.csv"
    pushing.add_fault("accept_then_drop")
    assert runner.run(call(people(3), "fail", report_path=str(report))) == "failed"
    decide_to_call_again(runner)
    runner.max_tries += 2
    before = report.read_bytes()
    connection(requests_per_second=0, receiver_url="http://127.0.0.1:9", notification_secret=receiver.secret)
    changed = report.stat().st_mtime_ns
    assert runner.run(call(people(3), "fail", report_path=str(report)), try_number=2) == "up_for_retry"
    assert (report.read_bytes(), report.stat().st_mtime_ns) == (before, changed)


@pytest.mark.parametrize("place", ["task state"], indirect=True)
def test_a_decision_to_call_again_holds_for_one_request(runner, sandbox):
    sandbox.add_fault("accept_then_drop")
    assert runner.run(call(people(3), "fail")) == "failed"
    decide_to_call_again(runner)
    runner.max_tries += 2
    sandbox.add_fault("accept_then_drop")
    assert runner.run(call(people(3), "fail"), try_number=2) == "failed"
    assert len(sandbox.calls()) == 6
    runner.max_tries += 2
    assert runner.run(call(people(3), "fail"), try_number=3) == "failed"
    assert len(sandbox.calls()) == 6


@pytest.mark.parametrize("place", ["ledger path"], indirect=True)
def test_the_first_try_refuses_the_ledger_of_other_recipients(sandbox, capsys):
    assert TaskRunner().run(call(people(3))) == "success"
    assert TaskRunner().run(call(people(3, first=11))) == "failed"
    assert "the ledger of another send" in capsys.readouterr().out
    assert len(sandbox.calls()) == 3


def test_another_api_address_is_another_send(runner, sandbox, monkeypatch, capsys):
    sandbox.add_fault("loose_types")
    sandbox.add_fault("status", status_id=-13)
    assert runner.run(call(people(200))) == "up_for_retry"
    fields = json.loads(sandbox.connection_json(requests_per_second=0))
    fields["host"] = sandbox.url.replace("127.0.0.1", "localhost")
    monkeypatch.setenv("AIRFLOW_CONN_INFORU_DEFAULT", json.dumps(fields))
    assert runner.run(call(people(200)), try_number=2) == "failed"
    assert "the connection, the campaign or another argument changed" in capsys.readouterr().out
    assert len(sandbox.calls()) == 100


def test_a_cleared_task_that_has_called_nobody_does_not_say_that_anybody_is_called_again(
    runner, sandbox, capsys
):
    assert runner.run(call([])) == "success"
    runner.max_tries += 2
    assert runner.run(call(people(3), resend=True), try_number=2) == "success"
    assert "called again" not in capsys.readouterr().out
    assert len(sandbox.calls()) == 3


def test_a_cleared_task_that_now_has_nobody_to_call_does_not_say_that_anybody_is_called_again(
    runner, sandbox, capsys
):
    assert runner.run(call(people(3))) == "success"
    runner.max_tries += 2
    assert runner.run(call([], resend=True), try_number=2) == "success"
    assert "called again" not in capsys.readouterr().out
    assert len(sandbox.calls()) == 3


def test_a_new_send_after_a_clear_says_that_everybody_is_called_again(runner, sandbox, capsys):
    assert runner.run(call(people(3))) == "success"
    assert "called again" not in capsys.readouterr().out
    runner.max_tries += 2
    assert runner.run(call(people(3), resend=True), try_number=2) == "success"
    assert "everybody is called again" in capsys.readouterr().out
    assert len(sandbox.calls()) == 6
