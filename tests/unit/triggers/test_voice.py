"""The trigger in a real event loop, against the sandbox's status function and a server that misbehaves."""

import asyncio
import json
import os
import threading
import time
import uuid
from types import SimpleNamespace

import httpx
import pytest
import requests
from airflow.sdk.api.client import Client
from airflow.sdk.execution_time.supervisor import InProcessTestSupervisor

from airflow_provider_inforu.capi.voice import SEND_TEXT_TO_SPEECH
from airflow_provider_inforu.hooks.inforu import InforuHook
from airflow_provider_inforu.outcomes import decision, wait_progress
from airflow_provider_inforu.outcomes.awaited import read_send
from airflow_provider_inforu.outcomes.decision import ClockReading, CompletionThreshold, Deadline
from airflow_provider_inforu.outcomes.summary import SendSummary
from airflow_provider_inforu.triggers import shared
from airflow_provider_inforu.triggers.voice import BACKSTOP_SECONDS, InforuVoiceJobTrigger, defer_arguments
from tests.receiver import end_of_call, running_receiver
from tests.scripted_server import reset, scripted_server

SEND = "0123456789abcdef"


@pytest.fixture(autouse=True)
def no_hooks_of_other_tests(monkeypatch):
    monkeypatch.setattr(shared.shared_hooks, "_entries", {})


@pytest.fixture
def server(connection):
    with scripted_server() as running:
        connection(receiver_url=running.url, notification_secret="secret-of-notifications")
        yield running


def trigger_of(**kwargs):
    arguments = {"send_id": SEND, "expected": 2, "poll_interval": 0.05, "deadline": time.time() + 60}
    return InforuVoiceJobTrigger(**arguments | kwargs)


def events_of(trigger):
    async def collect():
        return [event.payload async for event in trigger.run()]

    return asyncio.run(asyncio.wait_for(collect(), 60))


def event_of(trigger):
    (event,) = events_of(trigger)
    assert set(event) == {"status", "message", "summary", "expected", "explanation", "deadline"}
    assert json.loads(json.dumps(event)) == event
    return event


def ended(calls):
    return 200, SendSummary(SEND, calls, {"Answered": calls}).to_json()


def test_its_arguments_are_plain_json_and_make_the_same_trigger_again():
    requests = [{"request_token": "t1", "calls": 2}]
    trigger = trigger_of(source="status_function", requests=requests, complete_when=0.5)
    path, arguments = trigger.serialize()
    assert path == "airflow_provider_inforu.triggers.voice.InforuVoiceJobTrigger"
    assert InforuVoiceJobTrigger(**json.loads(json.dumps(arguments))).serialize() == (path, arguments)


def test_it_looks_until_as_many_calls_have_ended(server):
    server.answer(ended(0), ended(1), ended(2))
    event = event_of(trigger_of())
    assert (event["status"], event["summary"]["calls"]) == ("success", 2)
    assert len(server.requests) == 3


def test_what_the_receiver_knows_is_the_events_summary(receiver, connection):
    connection(receiver_url=receiver.url, notification_secret=receiver.secret)
    receiver.push([end_of_call(f"{SEND}-1", digit="1")] * 3)
    later = threading.Timer(
        0.3, receiver.push, [[end_of_call(f"{SEND}-2", status="Busy"), end_of_call(f"{SEND}-1")]]
    )
    later.start()
    event = event_of(trigger_of())
    later.join()
    assert event["status"] == "success"
    assert event["summary"] == receiver.summary(SEND)
    assert event["message"] == f"send {SEND}: 2 of 2 calls have ended"


def test_a_receiver_that_restarts_loses_nothing(tmp_path, connection):
    database = f"sqlite:///{tmp_path / 'receiver.db'}"
    with running_receiver(database) as receiver:
        connection(receiver_url=receiver.url, notification_secret=receiver.secret)
        receiver.push([end_of_call(f"{SEND}-1")])
        port = int(receiver.url.rpartition(":")[2])

    async def restart():
        waiting = asyncio.create_task(anext(trigger_of().run()))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        with running_receiver(database, port=port) as receiver:
            await asyncio.to_thread(receiver.push, [end_of_call(f"{SEND}-2")])
            return (await waiting).payload

    event = asyncio.run(asyncio.wait_for(restart(), 60))
    assert (event["status"], event["summary"]["calls"]) == ("success", 2)


def test_where_nobody_was_called_nothing_is_asked(server):
    event = event_of(trigger_of(expected=0))
    assert (event["status"], event["summary"]["calls"]) == ("success", 0)
    assert server.requests == []


def test_when_the_time_is_over_it_looks_a_last_time(server):
    server.answer(ended(1))
    event = event_of(trigger_of(deadline=time.time() - 5, poll_interval=3600))
    assert (event["status"], event["summary"]["calls"]) == ("timeout", 1)
    assert [path.rsplit("/", 1)[1] for path, _ in server.requests] == [SEND, "health"]


def test_when_the_time_is_over_the_event_says_what_the_receiver_knows(receiver, connection):
    connection(receiver_url=receiver.url, notification_secret=receiver.secret)
    requests.post(f"{receiver.path('notifications')}?secret=wrong", json=[], timeout=60)
    event = event_of(trigger_of(deadline=time.time() - 5))
    assert event["status"] == "timeout"
    assert "refused 1 push to this connection: wrong or missing secret (1)" in event["message"]
    assert "has never stored a push" in event["explanation"]


def test_a_restarted_trigger_goes_on_where_the_first_one_stopped(server):
    server.answer(ended(1))
    first = trigger_of()
    _, arguments = first.serialize()

    async def restart():
        running = asyncio.create_task(anext(first.run()))
        await asyncio.to_thread(server.asked.wait, 30)
        running.cancel()
        server.answer(ended(2))
        return [event.payload async for event in InforuVoiceJobTrigger(**arguments).run()]

    (event,) = asyncio.run(asyncio.wait_for(restart(), 60))
    assert event["status"] == "success"


def test_failures_that_pass_are_waited_out_and_logged_once_in_a_row(server, capsys):
    server.answer((503, {"detail": "starting"}), reset, (502, b""), ended(1), (500, b""), ended(2))
    assert event_of(trigger_of())["status"] == "success"
    warnings = [line for line in capsys.readouterr().out.splitlines() if "The trigger polls again" in line]
    assert len(warnings) == 2
    assert "answered HTTP 503" in warnings[0]


def test_progress_is_logged_when_it_changes_and_not_for_each_look(server, capsys, monkeypatch):
    monkeypatch.setattr(wait_progress, "PROGRESS_SECONDS", 0.0)
    server.answer(ended(0), ended(0), ended(1), ended(1), ended(2))
    event_of(trigger_of())
    lines = [line for line in capsys.readouterr().out.splitlines() if "calls have ended" in line]
    assert ["0 of 2" in lines[0], "1 of 2" in lines[1], len(lines)] == [True, True, 2]


def test_progress_that_changes_all_the_time_is_logged_now_and_then(server, capsys):
    server.answer(ended(0), ended(1), ended(2), ended(3), ended(9))
    event_of(trigger_of(expected=9))
    assert capsys.readouterr().out.count("calls have ended") == 1


def test_failures_that_do_not_end_are_an_error(server, monkeypatch):
    monkeypatch.setattr(decision, "FAILURE_SECONDS", 0.0)
    server.answer((500, b""))
    event = event_of(trigger_of())
    assert event["status"] == "error"
    assert "5 times in a row" in event["message"]
    assert len(server.requests) == 5


def test_a_refusal_is_an_error_at_once(server):
    server.answer((404, b""))
    event = event_of(trigger_of())
    assert event["status"] == "error"
    assert "Check receiver_url" in event["message"]
    assert len(server.requests) == 1


def test_a_secret_that_is_changed_during_the_wait_is_read_anew(receiver, connection, monkeypatch, capsys):
    monkeypatch.setattr(shared, "FAILURE_SECONDS", 0.0)
    connection(receiver_url=receiver.url, notification_secret=receiver.secret)

    async def run():
        waiting = asyncio.create_task(anext(trigger_of().run()))
        receiver.secrets[receiver.conn_id] = receiver.secret = "the-new-secret-of-all"
        said = ""
        while "refused the notification_secret" not in said:
            await asyncio.sleep(0.05)
            said += capsys.readouterr().out
        connection(receiver_url=receiver.url, notification_secret=receiver.secret)
        await asyncio.to_thread(receiver.push, [end_of_call(f"{SEND}-{n}") for n in (1, 2)])
        return await waiting

    assert asyncio.run(asyncio.wait_for(run(), 60)).payload["status"] == "success"


def test_a_secret_that_stays_refused_is_an_error(server, monkeypatch):
    monkeypatch.setattr(decision, "SECRET_SECONDS", 0.0)
    server.answer((401, b""))
    event = event_of(trigger_of())
    assert event["status"] == "error"
    assert "refused the notification_secret" in event["message"]


def test_a_connection_that_was_just_read_is_not_read_again_for_each_refusal(server, monkeypatch):
    reads = []
    load_settings = InforuHook.load_settings

    async def load(hook):
        reads.append(hook)
        await load_settings(hook)

    monkeypatch.setattr(InforuHook, "load_settings", load)
    server.answer((401, b""), (401, b""), (401, b""), ended(2))
    assert event_of(trigger_of())["status"] == "success"
    assert len(reads) == 1


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({}, "has no receiver_url and no notification_secret"),
        ({"receiver_url": "http://127.0.0.1:9"}, "has no notification_secret"),
        ({"receiver_url": "ftp://x"}, "receiver_url must be an address"),
        (
            {"receiver_url": "http://127.0.0.1:9", "notification_secret": "סוד שיש בו די אותיות"},
            "not printable ASCII",
        ),
    ],
)
def test_a_connection_that_lacks_something_is_an_error_that_names_it(connection, extra, words):
    connection(**extra)
    event = event_of(trigger_of())
    assert event["status"] == "error"
    assert words in event["message"]
    assert "inforu_default" in event["message"]


def test_a_connection_that_cannot_be_read_may_come_back(monkeypatch, server):
    monkeypatch.setattr(shared, "FAILURE_SECONDS", 0.0)
    server.answer(ended(2))
    there = os.environ["AIRFLOW_CONN_INFORU_DEFAULT"]
    monkeypatch.delenv("AIRFLOW_CONN_INFORU_DEFAULT")

    async def run():
        waiting = asyncio.create_task(anext(trigger_of().run()))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        monkeypatch.setenv("AIRFLOW_CONN_INFORU_DEFAULT", there)
        return await waiting

    assert asyncio.run(asyncio.wait_for(run(), 60)).payload["status"] == "success"


def test_a_connection_that_does_not_exist_is_an_error_in_the_end(monkeypatch):
    monkeypatch.setattr(decision, "FAILURE_SECONDS", 0.0)
    event = event_of(trigger_of(inforu_conn_id="nobody"))
    assert event["status"] == "error"
    assert "the connection 'nobody' is missing or could not be read" in event["message"]


def test_no_secret_and_no_phone_is_in_an_event(server):
    server.answer((400, {"detail": "0500000001 and secret-of-notifications"}))
    text = json.dumps(event_of(trigger_of()))
    assert "0500000001" not in text
    assert "secret-of-notifications" not in text


@pytest.fixture
def manifest(connection):
    connection(status_function="Voice/Message/Status")
    hook = InforuHook()
    receipts = [
        hook.send_text_to_speech([{"phone": f"050000000{n}", "text": "x"} for n in range(count)])
        for count in (3, 2)
    ]
    return {
        "send_id": SEND,
        "accepted": 5,
        "requests": [{"request_token": one.request_token, "calls": one.calls} for one in receipts],
    }


def status_trigger(manifest, **kwargs):
    return trigger_of(source="status_function", expected=5, requests=manifest["requests"], **kwargs)


def asked(sandbox):
    return [one["body"]["Data"] for one in sandbox.requests() if one["function"] != SEND_TEXT_TO_SPEECH]


def test_the_status_function_is_asked_until_all_jobs_are_finished(manifest, inforu_sandbox):
    event = event_of(status_trigger(manifest))
    assert event["status"] == "success"
    assert event["summary"] == SendSummary(SEND, 5).to_json()
    tokens = [data["RequestToken"] for data in asked(inforu_sandbox)]
    assert set(tokens) == {one["request_token"] for one in manifest["requests"]}


def test_the_status_function_is_not_asked_faster_than_the_connection_says(
    manifest, connection, inforu_sandbox
):
    connection(status_function="Voice/Message/Status", requests_per_second=2)
    inforu_sandbox.wait_until_calls_ended(timeout=10)
    begun = time.monotonic()
    triggers = [status_trigger(manifest) for _ in range(2)]

    async def both():
        return await asyncio.gather(*(anext(trigger.run()) for trigger in triggers))

    events = asyncio.run(asyncio.wait_for(both(), 60))
    assert [event.payload["status"] for event in events] == ["success", "success"]
    # Both share one limit: four requests at two a second leave no sooner than that.
    assert len(asked(inforu_sandbox)) == 4
    assert time.monotonic() - begun > 1


@pytest.mark.usefixtures("manifest")
def test_unknown_jobs_are_an_error_after_some_time_that_names_no_token(monkeypatch):
    monkeypatch.setattr(decision, "UNKNOWN_JOB_SECONDS", 0.3)
    unknown = [{"request_token": "never-heard-of", "calls": 5}]
    event = event_of(status_trigger({"requests": unknown}))
    assert event["status"] == "error"
    assert "does not know 1 of the send's RequestTokens" in event["message"]
    assert "never-heard-of" not in event["message"]


def test_a_refusal_of_the_status_function_is_an_error_at_once(manifest, inforu_sandbox):
    inforu_sandbox.add_fault("status", status_id=-222)
    event = event_of(status_trigger(manifest))
    assert event["status"] == "error"
    assert "-222" in event["message"]


def test_a_vendor_that_fails_for_a_moment_is_asked_again(manifest, inforu_sandbox):
    inforu_sandbox.add_fault("status", status_id=-1)
    assert event_of(status_trigger(manifest))["status"] == "success"


def test_without_a_status_function_the_error_names_the_field(connection):
    connection()
    event = event_of(status_trigger({"requests": [{"request_token": "t", "calls": 5}]}))
    assert event["status"] == "error"
    assert "has no `status_function`" in event["message"]


def test_what_a_deferral_needs_follows_from_the_send():
    manifest = {
        "send_id": SEND,
        "accepted": 4,
        "requests": [{"request_token": "t", "campaign_id": 1, "calls": 4}],
    }
    now = ClockReading.now()
    arguments = defer_arguments(
        read_send(manifest),
        CompletionThreshold(4, 0.5),
        inforu_conn_id="other",
        source="status_function",
        poll_interval=7,
        deadline=Deadline(now.wall + 60, now),
    )
    assert arguments["trigger"].serialize()[1] == {
        "inforu_conn_id": "other",
        "send_id": SEND,
        "expected": 4,
        "complete_when": 0.5,
        "source": "status_function",
        "requests": [{"request_token": "t", "calls": 4}],
        "poll_interval": 7,
        "deadline": now.wall + 60,
    }
    assert 60 < arguments["timeout"].total_seconds() <= 60 + BACKSTOP_SECONDS


def test_airflow_dags_test_lets_the_trigger_read_a_stored_connection(server, monkeypatch):
    # There the trigger runs in the process of the command, which has only the synchronous way to Airflow.
    stored = json.loads(os.environ["AIRFLOW_CONN_INFORU_DEFAULT"])
    monkeypatch.delenv("AIRFLOW_CONN_INFORU_DEFAULT")
    extra = json.dumps(stored.pop("extra"))
    body = {**stored, "conn_id": "inforu_default", "schema": None, "port": None, "extra": extra}

    def answer(request):
        assert request.url.path.endswith("/connections/inforu_default")
        return httpx.Response(200, json=body)

    client = Client(base_url=None, dry_run=True, token="", transport=httpx.MockTransport(answer))
    client.base_url = "http://execution-api/"
    monkeypatch.setattr(InProcessTestSupervisor, "_api_client", staticmethod(lambda: client))
    server.answer(ended(2))
    instance = SimpleNamespace(id=uuid.uuid4())
    event = InProcessTestSupervisor.run_trigger_in_process(
        trigger=trigger_of(deadline=time.time() + 5), ti=instance
    )
    assert event.payload["status"] == "success"
