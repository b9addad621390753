"""The sensor through Airflow's real task runner: in the worker, rescheduled, deferred with its trigger."""

import asyncio
import datetime as dt
import json
import subprocess
import sys
import threading

import pytest
import requests
from airflow.sdk import DAG

from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.hooks.inforu import InforuHook
from airflow_provider_inforu.outcomes import decision
from airflow_provider_inforu.outcomes.summary import SendSummary
from airflow_provider_inforu.sensors.voice import InforuVoiceJobSensor
from airflow_provider_inforu.triggers import shared
from tests.receiver import end_of_call
from tests.scripted_server import scripted_server, unused_port
from tests.task_runner import TaskRunner

SEND = "0123456789abcdef"
MANIFEST = {"send_id": SEND, "accepted": 2, "calls": None}


@pytest.fixture(autouse=True)
def no_hooks_of_other_tests(monkeypatch):
    monkeypatch.setattr(shared.shared_hooks, "_entries", {})


@pytest.fixture(autouse=True)
def server(connection):
    with scripted_server() as running:
        connection(receiver_url=running.url, notification_secret="secret-of-notifications")
        yield running


@pytest.fixture
def runner():
    return TaskRunner()


def sensor(send=MANIFEST, *, retries=2, poke_interval=0.05, timeout=60, **kwargs):
    with DAG("dag"):
        return InforuVoiceJobSensor(
            task_id="wait", send=send, retries=retries, poke_interval=poke_interval, timeout=timeout, **kwargs
        )


def ended(calls):
    return 200, SendSummary(SEND, calls, {"Answered": calls}, {"1": calls}).to_json()


def returned(calls, *, complete):
    return {**ended(calls)[1], "complete": complete}


def run_with_trigger(runner, task):
    """Run a task, and its trigger where it defers, as often as it does."""
    state = runner.run(task)
    while state == "deferred":
        event = asyncio.run(asyncio.wait_for(anext(runner.trigger().run()), 60))
        state = runner.resume(task, event.payload)
    return state


HOW = pytest.mark.parametrize("deferrable", [False, True], ids=["in the worker", "deferred"])


@HOW
def test_it_returns_what_the_receiver_knows_when_all_calls_have_ended(
    runner, receiver, connection, deferrable
):
    connection(receiver_url=receiver.url, notification_secret=receiver.secret)
    receiver.push([end_of_call(f"{SEND}-1", digit="1")])
    later = threading.Timer(0.3, receiver.push, [[end_of_call(f"{SEND}-2", status="NoAnswer")]])
    later.start()
    assert run_with_trigger(runner, sensor(deferrable=deferrable)) == "success"
    later.join()
    assert runner.xcoms["return_value"] == {**receiver.summary(SEND), "complete": True}
    assert runner.xcoms["return_value"]["by_status"] == {"Answered": 1, "NoAnswer": 1}
    assert runner.xcoms["return_value"]["by_digit"] == {"1": 1}


@HOW
def test_it_looks_until_as_many_calls_have_ended(runner, server, deferrable):
    server.answer(ended(0), ended(1), ended(2))
    assert run_with_trigger(runner, sensor(deferrable=deferrable)) == "success"
    assert runner.xcoms["return_value"] == returned(2, complete=True)
    assert len(server.requests) == 3


@HOW
def test_a_share_of_the_calls_is_enough_where_the_user_says_so(runner, server, deferrable):
    server.answer(ended(0), ended(1))
    assert run_with_trigger(runner, sensor(complete_when=0.5, deferrable=deferrable)) == "success"
    assert runner.xcoms["return_value"] == returned(1, complete=True)


@HOW
def test_when_the_time_is_over_it_fails_without_a_retry(runner, server, capsys, deferrable):
    server.answer(ended(1))
    assert run_with_trigger(runner, sensor(timeout=0.1, deferrable=deferrable)) == "failed"
    assert "1 of 2 calls have ended; the timeout" in capsys.readouterr().out
    assert "return_value" not in runner.xcoms


@HOW
def test_when_the_time_is_over_it_succeeds_with_what_is_known_where_the_user_says_so(
    runner, server, deferrable
):
    server.answer(ended(1))
    assert (
        run_with_trigger(runner, sensor(timeout=0.1, on_timeout="succeed", deferrable=deferrable))
        == "success"
    )
    assert runner.xcoms["return_value"] == returned(1, complete=False)


@HOW
def test_when_the_time_is_over_it_is_skipped_where_the_user_says_so(runner, server, deferrable):
    server.answer(ended(1))
    assert run_with_trigger(runner, sensor(timeout=0.1, soft_fail=True, deferrable=deferrable)) == "skipped"


@HOW
def test_a_receiver_that_refuses_is_an_error_at_once_which_a_retry_may_mend(
    runner, server, capsys, deferrable
):
    server.answer((404, b""))
    assert run_with_trigger(runner, sensor(deferrable=deferrable, soft_fail=True)) == "up_for_retry"
    assert "Check receiver_url" in capsys.readouterr().out
    assert len(server.requests) == 1
    server.answer(ended(2))
    assert run_with_trigger(runner, sensor(deferrable=deferrable)) == "success"


@HOW
def test_a_secret_that_is_refused_for_a_moment_is_asked_with_again(runner, server, deferrable):
    server.answer((401, b""), (401, b""), ended(2))
    assert run_with_trigger(runner, sensor(deferrable=deferrable)) == "success"


@HOW
def test_a_secret_that_stays_refused_is_an_error(runner, server, monkeypatch, capsys, deferrable):
    monkeypatch.setattr(decision, "SECRET_SECONDS", 0.1)
    server.answer((401, b""))
    assert run_with_trigger(runner, sensor(deferrable=deferrable)) == "up_for_retry"
    assert "Set the same secret" in capsys.readouterr().out


@HOW
def test_a_receiver_that_is_away_for_a_moment_is_asked_again(runner, server, deferrable):
    server.answer((503, b""), (502, b""), ended(2))
    assert run_with_trigger(runner, sensor(deferrable=deferrable)) == "success"


@HOW
def test_a_receiver_that_stays_away_is_an_error(runner, connection, monkeypatch, capsys, deferrable):
    monkeypatch.setattr(decision, "FAILURE_SECONDS", 0.0)
    connection(
        receiver_url=f"http://127.0.0.1:{unused_port()}", notification_secret="secret-of-notifications"
    )
    assert run_with_trigger(runner, sensor(deferrable=deferrable)) == "up_for_retry"
    assert "5 times in a row" in capsys.readouterr().out


@HOW
def test_a_receiver_that_cannot_be_asked_when_the_time_is_over_does_not_succeed(runner, server, deferrable):
    server.answer((503, b""))
    task = sensor(timeout=0.1, on_timeout="succeed", deferrable=deferrable)
    assert run_with_trigger(runner, task) == "up_for_retry"
    assert "return_value" not in runner.xcoms


@HOW
def test_where_nobody_was_called_it_ends_at_once(runner, server, deferrable):
    assert runner.run(sensor({**MANIFEST, "accepted": 0}, deferrable=deferrable)) == "success"
    assert runner.xcoms["return_value"] == {**SendSummary(SEND).to_json(), "complete": True}
    assert server.requests == []


@HOW
def test_a_send_whose_calls_have_ended_already_is_not_asked_for(runner, server, deferrable):
    calls = returned(2, complete=True)
    assert runner.run(sensor({**MANIFEST, "calls": calls}, deferrable=deferrable)) == "success"
    assert runner.xcoms["return_value"] == calls
    assert server.requests == []


def test_deferred_it_has_looked_once_and_ends_where_nothing_is_left(runner, server):
    server.answer(ended(2))
    assert runner.run(sensor(deferrable=True)) == "success"
    server.answer(ended(1))
    assert runner.run(sensor(deferrable=True)) == "deferred"


def test_a_deferral_survives_without_keyword_arguments_and_holds_no_secret(runner, server):
    server.answer(ended(1))
    task = sensor(deferrable=True)
    runner.run(task)
    deferral = runner.states[-1]
    assert deferral["next_kwargs"] == {}
    assert "secret-of-notifications" not in json.dumps(deferral)
    assert runner.trigger().serialize()[1]["requests"] is None


def test_a_trigger_that_fired_twice_gives_the_same_result_twice(runner, server):
    server.answer(ended(1), ended(2))
    task = sensor(deferrable=True)
    runner.run(task)
    trigger = runner.trigger()
    events = [asyncio.run(anext(trigger.run())).payload for _ in range(2)]
    assert events[0] == events[1]
    assert runner.resume_at(task, "execute_complete", {"event": events[1]}) == "success"


@pytest.mark.parametrize("event", [None, {}, {"status": "success"}, "success"])
def test_an_event_that_is_none_is_an_error_that_may_be_retried(runner, server, capsys, event):
    server.answer(ended(1))
    task = sensor(deferrable=True)
    runner.run(task)
    assert runner.resume(task, event) == "up_for_retry"
    assert "trigger's event is invalid" in capsys.readouterr().out


def test_when_airflow_ends_the_trigger_it_counts_as_a_timeout(runner, server):
    server.answer(ended(1))
    task = sensor(deferrable=True)
    runner.run(task)
    assert runner.resume_at(task, "__fail__", {"error": "Trigger timeout"}) == "failed"


def test_rescheduled_it_looks_once_each_time(runner, server):
    server.answer(ended(1), ended(2))
    assert runner.run(sensor(mode="reschedule")) == "up_for_reschedule"
    runner.first_look = dt.datetime.now(dt.UTC)
    assert runner.run(sensor(mode="reschedule")) == "success"
    assert runner.xcoms["return_value"] == returned(2, complete=True)


def test_rescheduled_its_time_counts_from_the_first_look(runner, server):
    server.answer(ended(1))
    runner.first_look = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=61)
    assert runner.run(sensor(mode="reschedule", timeout=60)) == "failed"
    assert runner.run(sensor(mode="reschedule", timeout=60, on_timeout="succeed")) == "success"
    assert runner.xcoms["return_value"] == returned(1, complete=False)
    assert runner.run(sensor(mode="reschedule", timeout=60, soft_fail=True)) == "skipped"


def test_rescheduled_a_receiver_that_is_away_is_asked_until_the_time_is_over(runner, server):
    server.answer((503, b""))
    assert runner.run(sensor(mode="reschedule")) == "up_for_reschedule"


def test_rescheduled_a_secret_that_stays_refused_is_an_error_before_the_time_is_over(
    runner, server, monkeypatch, capsys
):
    monkeypatch.setattr(decision, "SECRET_SECONDS", 0.1)
    server.answer((401, b""))
    assert runner.run(sensor(mode="reschedule")) == "up_for_retry"
    assert "Set the same secret" in capsys.readouterr().out


@HOW
def test_the_status_function_tells_when_the_jobs_are_finished(runner, connection, deferrable):
    connection(status_function="Voice/Message/Status")
    receipt = InforuHook().send_text_to_speech([{"phone": "0500000001", "text": "x"}])
    requests = [{"request_token": receipt.request_token, "campaign_id": 1, "calls": 1}]
    manifest = {"send_id": SEND, "accepted": 1, "requests": requests}
    task = sensor(manifest, source="status_function", deferrable=deferrable)
    assert run_with_trigger(runner, task) == "success"
    assert runner.xcoms["return_value"] == {**SendSummary(SEND, 1).to_json(), "complete": True}
    assert receipt.request_token not in json.dumps(runner.rendered)


@HOW
def test_without_a_status_function_the_error_names_the_field(runner, capsys, deferrable):
    manifest = {**MANIFEST, "requests": [{"request_token": "t", "calls": 2}]}
    assert runner.run(sensor(manifest, source="status_function", deferrable=deferrable)) == "up_for_retry"
    assert "has no `status_function`" in capsys.readouterr().out


@HOW
def test_without_a_receiver_the_error_names_the_fields(runner, connection, capsys, deferrable):
    connection()
    assert runner.run(sensor(deferrable=deferrable)) == "up_for_retry"
    assert "'inforu_default' has no receiver_url and no notification_secret" in capsys.readouterr().out


def test_what_to_wait_for_may_come_from_templates(runner, server):
    server.answer(ended(2))
    manifest = "{{ {'send_id': '" + SEND + "', 'accepted': 2} | tojson }}"
    assert runner.run(sensor(manifest, inforu_conn_id="inforu_{{ 'default' }}")) == "success"
    assert runner.run(sensor("{{ '" + SEND + "' }}", expected="{{ 1 + 1 }}")) == "success"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"send": None}, "send must be a manifest, not NoneType"),
        ({"send": SEND}, "expected is missing"),
        ({"source": "status_function"}, "needs the RequestTokens"),
        ({"send": {**MANIFEST, "in_doubt": 2}}, "2 calls are in doubt"),
        ({"send": {**MANIFEST, "accepted": 0, "in_doubt": 2}}, "2 calls are in doubt"),
    ],
)
def test_an_argument_that_only_the_run_shows_to_be_invalid_fails_without_a_retry(
    runner, server, capsys, arguments, words
):
    task = sensor(**arguments)
    assert runner.run(task) == "failed"
    assert words in capsys.readouterr().out
    assert server.requests == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"complete_when": 2}, "complete_when must be above 0 and at most 1"),
        ({"source": "portal"}, "source must be one of"),
        ({"on_timeout": "skip"}, "on_timeout must be one of"),
    ],
)
def test_an_invalid_choice_is_refused_when_the_dag_is_parsed(arguments, words):
    with pytest.raises(InforuInputError, match=words):
        sensor(**arguments)


@pytest.mark.parametrize("name", ["timeout", "poke_interval"])
@pytest.mark.parametrize("seconds", [0, -1, float("nan"), "60"])
def test_what_is_no_length_of_time_is_refused_when_it_is_parsed(name, seconds):
    with pytest.raises(InforuInputError, match=f"{name} must be a number of seconds above 0"):
        sensor(**{name: seconds})


def test_it_looks_only_while_it_is_executed():
    with pytest.raises(decision.WaitError, match="before execute"):
        sensor().poke({})


def test_by_default_it_waits_where_airflows_configuration_says():
    code = """
import importlib, os
from airflow_provider_inforu.sensors import voice
for setting in ("True", "False"):
    os.environ["AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE"] = setting
    importlib.reload(voice)
    print(voice.InforuVoiceJobSensor(task_id="wait", send={}).deferrable)
"""
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert said.split()[-2:] == ["True", "False"]


@HOW
def test_when_the_time_is_over_the_error_says_which_pushes_the_receiver_refused(
    runner, receiver, connection, capsys, deferrable
):
    connection(receiver_url=receiver.url, notification_secret=receiver.secret)
    requests.post(f"{receiver.path('notifications')}?secret=wrong", json=[], timeout=60)
    assert run_with_trigger(runner, sensor(timeout=0.1, deferrable=deferrable)) == "failed"
    out = capsys.readouterr().out
    assert "0 of 2 calls have ended; the timeout" in out
    assert "refused 1 push to this connection: wrong or missing secret (1)" in out
