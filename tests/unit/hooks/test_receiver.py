"""The receiver is asked before the first call."""

import datetime as dt

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_inforu.hooks import receiver_access as checked
from airflow_provider_inforu.hooks.inforu import InforuHook
from airflow_provider_inforu.outcomes.outcome_errors import ReceiverError
from tests.scripted_server import reset, scripted_server, unused_port

SECRET = "secret-of-notifications"
HEALTHY = (
    200,
    {
        "last_push_at": None,
        "window_seconds": 3600,
        "refused": {},
        "elsewhere": {"connections": 0, "refused": {}},
    },
)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(checked, "PAUSES", (0.0, 0.0))


@pytest.fixture
def server(connection):
    with scripted_server() as running:
        connection(receiver_url=running.url, notification_secret=SECRET)
        yield running


def test_a_receiver_that_answers_is_asked_once(receiver, connection, caplog):
    caplog.set_level("INFO")
    connection(receiver_url=receiver.url, notification_secret=receiver.secret)
    InforuHook().get_receiver()
    assert "has never stored a push for the connection 'inforu_default'" in caplog.text


@pytest.mark.parametrize("answer", [(503, b""), (500, b""), reset])
def test_a_failure_that_passes_is_asked_about_again(server, answer):
    server.answer(answer, answer, HEALTHY)
    InforuHook().get_receiver()
    assert len(server.requests) == 3


@pytest.mark.parametrize("answer", [(503, b""), reset])
def test_a_failure_that_lasts_is_an_error_that_a_retry_may_mend(server, answer):
    server.answer(answer)
    with pytest.raises(ReceiverError, match=r"No new calls were placed.*A retry asks again") as raised:
        InforuHook().get_receiver()
    assert raised.value.is_passing
    assert len(server.requests) == 3


def test_a_receiver_that_is_not_there_is_an_error_that_a_retry_may_mend(connection):
    connection(receiver_url=f"http://127.0.0.1:{unused_port()}", notification_secret=SECRET)
    with pytest.raises(ReceiverError, match=r"Cannot reach the receiver at 127.0.0.1") as raised:
        InforuHook().get_receiver()
    assert "Check `receiver_url` of the connection 'inforu_default', and that the receiver runs" in str(
        raised.value
    )


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((401, b""), "refused the notification_secret"),
        ((404, b""), "does not know the connection 'inforu_default'"),
        ((200, b"<html>"), "is invalid"),
        ((302, b"", ("Location", "/elsewhere")), "answered with a redirect"),
    ],
)
def test_an_answer_that_does_not_pass_fails_without_a_retry(server, answer, words):
    server.answer(answer)
    with pytest.raises(AirflowFailException, match=words) as raised:
        InforuHook().get_receiver()
    assert "No new calls were placed" in str(raised.value)
    assert SECRET not in str(raised.value)
    assert len(server.requests) == 1


def test_refused_pushes_are_a_warning_before_the_first_call(server, caplog):
    server.answer((200, HEALTHY[1] | {"refused": {"wrong_secret": 4}}))
    InforuHook().get_receiver()
    (record,) = [one for one in caplog.records if "refused 4 pushes" in one.message]
    assert record.levelname == "WARNING"


@pytest.mark.parametrize(
    ("days", "level"), [(None, "WARNING"), (2, "WARNING"), (0, "INFO")], ids=["never", "long ago", "today"]
)
def test_refused_pushes_to_other_names_are_a_warning_only_where_none_arrived_for_a_day(
    server, caplog, days, level
):
    caplog.set_level("INFO")
    stored = None if days is None else (dt.datetime.now(dt.UTC) - dt.timedelta(days=days)).isoformat()
    elsewhere = {"connections": 0, "refused": {"unknown_connection": 1}}
    server.answer((200, HEALTHY[1] | {"last_push_at": stored, "elsewhere": elsewhere}))
    InforuHook().get_receiver()
    (record,) = [one for one in caplog.records if "1 push to other names" in one.message]
    assert record.levelname == level
