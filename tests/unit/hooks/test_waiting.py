"""The hook's side of outcomes, in a worker."""

import datetime as dt
import threading

import pytest

from airflow_provider_inforu.capi.errors import InforuInputError, InforuRateLimitError
from airflow_provider_inforu.hooks.inforu import InforuHook
from airflow_provider_inforu.hooks.outcome_wait import new_source
from airflow_provider_inforu.outcomes import decision
from airflow_provider_inforu.outcomes.decision import WaitError, WaitTimeoutError
from airflow_provider_inforu.outcomes.outcome_errors import ReceiverError
from airflow_provider_inforu.outcomes.sources import Job
from airflow_provider_inforu.outcomes.summary import CallResult, SendSummary
from airflow_provider_inforu.sending.rate_limiter import RateLimiter
from tests.receiver import end_of_call
from tests.scripted_server import scripted_server

SEND = "0123456789abcdef"
MANIFEST = {"send_id": SEND, "accepted": 2, "calls": None}


@pytest.fixture
def server(connection):
    with scripted_server() as running:
        connection(receiver_url=running.url, notification_secret="secret-of-notifications", timeout=5)
        yield running


def ended(calls):
    return 200, SendSummary(SEND, calls, {"Answered": calls}).to_json()


def wait(send=MANIFEST, **kwargs):
    return InforuHook().wait(send, **{"timeout": 60, "poll_interval": 0.01} | kwargs)


def test_it_waits_until_all_calls_have_ended(server):
    server.answer(ended(0), ended(1), ended(2))
    assert wait() == SendSummary(SEND, 2, {"Answered": 2})
    assert len(server.requests) == 3


def test_it_waits_for_a_share_where_the_user_says_so(server):
    server.answer(ended(1))
    assert wait(complete_when=0.5).calls == 1


def test_a_send_id_goes_with_how_many_calls_it_made(server):
    server.answer(ended(2))
    assert wait(SEND, expected=2).calls == 2


def test_when_the_time_is_over_it_raises_or_returns_what_is_known(server):
    server.answer(ended(1))
    with pytest.raises(WaitTimeoutError, match="1 of 2 calls have ended; the timeout"):
        wait(timeout=0.05)
    assert wait(timeout=0.05, on_timeout="succeed").calls == 1


def test_a_receiver_that_refuses_ends_the_wait(server):
    server.answer((404, b""))
    with pytest.raises(WaitError, match="Check receiver_url"):
        wait()


def refuse_after(change):
    """Change the connection, and then answer 401."""

    def refuse(handler):
        change()
        handler.send_response(401)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return refuse


def test_a_secret_that_is_changed_during_the_wait_is_read_anew(server, connection):
    def change():
        connection(receiver_url=server.url, notification_secret="the-new-secret-of-all")

    server.answer(ended(0), refuse_after(change), ended(2))
    assert wait().calls == 2
    secrets = [headers["Authorization"] for _, headers in server.requests]
    assert secrets == ["Bearer secret-of-notifications"] * 2 + ["Bearer the-new-secret-of-all"]


def test_a_connection_that_cannot_be_read_anew_is_tried_again(server, connection, caplog):
    def change():
        connection(receiver_url=server.url, notification_secret="the-new-secret-of-all")

    server.answer(refuse_after(connection), refuse_after(change), ended(2))
    assert wait().calls == 2
    assert "could not be read again (InforuInputError)" in caplog.text


def test_a_secret_that_stays_refused_ends_the_wait(server, monkeypatch):
    monkeypatch.setattr(decision, "SECRET_SECONDS", 0.1)
    server.answer((401, b""))
    with pytest.raises(WaitError, match="Set the same secret"):
        wait()
    assert len(server.requests) > 1


def test_failures_that_pass_are_waited_out_and_logged(server, caplog):
    server.answer((503, b""), ended(2))
    assert wait().calls == 2
    assert "answered HTTP 503. The next poll tries again" in caplog.text


def test_failures_that_do_not_end_end_the_wait(server, monkeypatch):
    monkeypatch.setattr(decision, "FAILURE_SECONDS", 0.0)
    server.answer((503, b""))
    with pytest.raises(WaitError, match="5 times in a row"):
        wait(on_timeout="succeed")


def test_a_manifest_whose_calls_have_ended_needs_no_receiver(connection):
    connection()
    calls = {**SendSummary(SEND, 2).to_json(), "complete": True}
    assert wait({**MANIFEST, "calls": calls}) == SendSummary(SEND, 2)


def test_the_status_function_is_asked_at_the_connections_rate(connection, inforu_sandbox):
    connection(status_function="Voice/Message/Status", requests_per_second=5)
    hook = InforuHook()
    requests = []
    for number in range(8):
        receipt = hook.send_text_to_speech([{"phone": f"050000010{number}", "text": "x"}])
        requests.append({"request_token": receipt.request_token, "calls": 1})
    inforu_sandbox.wait_until_calls_ended(timeout=10)
    inforu_sandbox.update_settings(requests_per_second=6)
    manifest = {"send_id": SEND, "accepted": 8, "requests": requests}
    assert wait(manifest, source="status_function") == SendSummary(SEND, 8)
    statuses = [one["status_id"] for one in inforu_sandbox.requests()]
    assert -429 not in statuses[-8:]


def test_when_the_vendor_finds_it_too_fast_the_rate_is_lowered(connection, inforu_sandbox):
    connection(status_function="Voice/Message/Status")
    inforu_sandbox.add_fault("status", status_id=-429)

    class RecordedRateLimiter(RateLimiter):
        slowed_down = 0

        def slow_down(self):
            self.slowed_down += 1
            super().slow_down()

    rate_limiter = RecordedRateLimiter(30)
    hook = InforuHook()
    source = new_source("status_function", SEND, [Job("t", 1)], lambda: hook, lambda: rate_limiter)
    with pytest.raises(InforuRateLimitError):
        source.look()
    assert rate_limiter.slowed_down == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"send": None}, "send must be a manifest"),
        ({"complete_when": 0}, "complete_when must be above 0"),
        ({"source": "portal"}, "source must be one of"),
        ({"send": {**MANIFEST, "in_doubt": 2}}, "2 calls are in doubt"),
        ({"on_timeout": "skip"}, "on_timeout must be one of"),
        ({"timeout": float("nan")}, "timeout must be a number of seconds above 0, not nan"),
        ({"poll_interval": -1}, "poll_interval must be a number of seconds above 0, not -1"),
    ],
)
def test_an_argument_that_cannot_be_is_refused_before_anything_is_asked(server, arguments, words):
    with pytest.raises(InforuInputError, match=words):
        wait(**arguments)
    assert server.requests == []


@pytest.fixture
def receiver_hook(connection, receiver):
    connection(receiver_url=receiver.url, notification_secret=receiver.secret)
    return InforuHook()


def test_a_summary_comes_from_the_receiver(receiver_hook, receiver):
    assert receiver_hook.get_send_summary(SEND) == SendSummary(SEND)
    receiver.push([end_of_call(f"{SEND}-1", digit="1"), end_of_call(f"{SEND}-2", status="Busy")] * 2)
    summary = receiver_hook.get_send_summary(SEND)
    assert (summary.calls, summary.by_status, summary.by_digit) == (2, {"Answered": 1, "Busy": 1}, {"1": 1})
    assert summary.first_at == summary.last_at == dt.datetime(2026, 1, 15, 10, tzinfo=dt.UTC)


def test_results_come_from_the_receiver_however_many_and_by_status(receiver_hook, receiver):
    receiver.push([end_of_call(f"{SEND}-{n}", status="Busy" if n % 5 else "Answered") for n in range(2500)])
    results = list(receiver_hook.iter_call_results(SEND))
    assert sorted(int(one.key) for one in results) == list(range(2500))
    first = next(one for one in results if one.key == "0")
    assert first == CallResult("0", "Answered", 8, None, 217, dt.datetime(2026, 1, 15, 10, tzinfo=dt.UTC))
    answered = [one.key for one in receiver_hook.iter_call_results(SEND, "Answered")]
    assert len(answered) == 500


def test_it_waits_for_the_receiver(receiver_hook, receiver):
    later = threading.Timer(0.2, receiver.push, [[end_of_call(f"{SEND}-{n}") for n in (1, 2)]])
    later.start()
    assert receiver_hook.wait(MANIFEST, timeout=60, poll_interval=0.05).calls == 2
    later.join()


def test_the_receiver_of_another_secret_refuses(connection, receiver):
    connection(receiver_url=receiver.url, notification_secret="another-secret-of-all")
    with pytest.raises(ReceiverError, match="refused the notification_secret") as raised:
        InforuHook().get_send_summary(SEND)
    assert not raised.value.is_passing


def test_a_receiver_that_lacks_the_connection_or_its_secret_says_so_and_does_not_pass(
    receiver_hook, receiver
):
    receiver.secrets.clear()
    with pytest.raises(ReceiverError, match="does not know the connection 'inforu_default'") as unknown:
        receiver_hook.get_send_summary(SEND)
    assert not unknown.value.is_passing


def test_a_receiver_without_a_secret_says_what_to_set_and_does_not_pass(receiver_hook, receiver):
    receiver.secrets["inforu_default"] = None
    with pytest.raises(ReceiverError, match="notification_secret in the connection's extra") as unset:
        receiver_hook.get_send_summary(SEND)
    assert not unset.value.is_passing


@pytest.mark.parametrize("send_id", ["", "../secrets", None])
def test_what_is_no_send_id_is_not_asked_for(server, send_id):
    for read in (InforuHook().get_send_summary, InforuHook().iter_call_results):
        with pytest.raises(InforuInputError, match="send_id must have 16"):
            read(send_id)
    assert server.requests == []


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({}, "has no receiver_url and no notification_secret, so"),
        ({"notification_secret": "secret-of-notifications"}, "has no receiver_url, so"),
        (
            {"notification_secret": "secret-of-notifications"},
            r"Receiver address \(receiver_url\) and Notification secret \(notification_secret\)",
        ),
        (
            {"receiver_url": "http://127.0.0.1:9", "notification_secret": " secret-of-notifications"},
            "has spaces at its start or end",
        ),
        (
            {"receiver_url": "http://127.0.0.1:9", "notification_secret": "a\nb-and-many-more-letters"},
            "An HTTP header cannot contain them",
        ),
    ],
)
def test_a_connection_that_lacks_something_is_refused_by_name(connection, extra, words):
    connection(**extra)
    with pytest.raises(InforuInputError, match=words) as raised:
        InforuHook().get_send_summary(SEND)
    assert "inforu_default" in str(raised.value)


def test_the_proxy_of_the_connection_is_for_inforu_and_not_for_the_receiver(connection):
    with scripted_server() as running:
        connection(
            receiver_url=running.url,
            notification_secret="secret-of-notifications",
            proxy="http://127.0.0.1:9",
        )
        running.answer(ended(1))
        assert InforuHook().get_send_summary(SEND).calls == 1


def test_the_errors_of_the_receiver_are_the_providers(server):
    server.answer((500, b""))
    with pytest.raises(ReceiverError, match="answered HTTP 500"):
        InforuHook().get_send_summary(SEND)
