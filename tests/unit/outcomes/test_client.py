"""The client of the receiver against a real server that misbehaves. The hook has tests with a receiver."""

import pickle
import threading

import pytest

from airflow_provider_inforu.outcomes import receiver_client as client_module
from airflow_provider_inforu.outcomes.receiver_client import ReceiverClient, ReceiverError
from airflow_provider_inforu.outcomes.summary import SendSummary
from tests.scripted_server import hang_until, reset, scripted_server, unused_port

SEND = "0123456789abcdef"
SECRET = "a-secret-of-the-receiver"
SUMMARY = SendSummary(SEND, 2, {"Answered": 2}).to_json()


@pytest.fixture
def server():
    with scripted_server() as running:
        yield running


@pytest.fixture
def client(server):
    return ReceiverClient(server.url, "inforu_default", SECRET, timeout=5)


def refused(client, match, *, passing):
    with pytest.raises(ReceiverError, match=match) as raised:
        client.get_summary(SEND)
    assert raised.value.is_passing is passing
    assert SECRET not in str(raised.value)
    return str(raised.value)


def test_the_secret_goes_in_a_header_and_not_in_the_address(client, server):
    server.answer((200, SUMMARY))
    assert client.get_summary(SEND) == SendSummary(SEND, 2, {"Answered": 2})
    ((path, headers),) = server.requests
    assert path == f"/inforu/v1/inforu_default/sends/{SEND}"
    assert headers["Authorization"] == f"Bearer {SECRET}"


def test_a_receiver_below_a_path_and_a_connection_with_odd_letters_are_found(server):
    server.answer((200, SUMMARY))
    ReceiverClient(f"{server.url}/airflow/", "a/b?c", SECRET).get_summary(SEND)
    assert server.requests[0][0] == f"/airflow/inforu/v1/a%2Fb%3Fc/sends/{SEND}"


def test_results_are_read_page_by_page(client, server):
    server.answer(
        (200, {"calls": [{"key": "k1"}, {"key": "k2"}], "next": "c1"}),
        (200, {"calls": [{"key": "k3"}], "next": None}),
    )
    assert [call.key for call in client.iter_calls(SEND, "No answer & more")] == ["k1", "k2", "k3"]
    assert [path.partition("?")[2] for path, _ in server.requests] == [
        "status=No+answer+%26+more&limit=1000",
        "status=No+answer+%26+more&after=c1&limit=1000",
    ]


def test_a_list_that_does_not_go_on_is_not_read_for_ever(client, server):
    server.answer((200, {"calls": [{"key": "k1"}], "next": "c1"}))
    with pytest.raises(ReceiverError, match="same page"):
        list(client.iter_calls(SEND))
    assert len(server.requests) == 2


def test_the_feed_is_read_from_a_cursor(client, server):
    server.answer((200, {"notifications": [{"send_id": SEND, "key": "k1"}], "next": "7"}))
    page = client.read_feed("5", 10)
    assert ([event.key for event in page.events], page.next) == (["k1"], "7")
    assert server.requests[0][0].endswith("/notifications?after=5&limit=10")


def test_another_secret_is_an_error_that_names_the_field(client, server):
    server.answer((401, {"detail": "no"}))
    refused(client, "refused the notification_secret of the connection 'inforu_default'", passing=False)


def test_a_proxy_that_refuses_is_an_error_that_blames_no_secret(client, server):
    server.answer((403, b"<html>"))
    assert "secret" not in refused(client, "proxy or firewall", passing=False)


def test_no_receiver_there_is_an_error_that_says_what_to_check(client, server):
    server.answer((404, b"<html>"))
    refused(client, r"Check receiver_url.*\[inforu\] receiver_enabled", passing=False)


def test_a_redirect_is_not_followed(client, server):
    server.answer((302, b"", ("Location", f"{server.url}/elsewhere")))
    refused(client, "redirect.*receiver_url", passing=False)
    assert len(server.requests) == 1


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
def test_a_receiver_that_is_busy_or_failing_may_recover(client, server, code):
    server.answer((code, {"detail": f"call 0500000001, {SECRET}"}))
    said = refused(client, f"answered HTTP {code}", passing=True)
    assert "0500000001" not in said


@pytest.mark.parametrize("code", [400, 422])
def test_another_refusal_does_not_pass(client, server, code):
    server.answer((code, {"detail": [{"loc": "after"}]}))
    refused(client, f"answered HTTP {code}$", passing=False)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not JSON"),
        (b"<html>Welcome</html>", "not JSON"),
        (b"[" * 100_000, "is invalid"),
        (b"\xff\xfe", "is invalid"),
        (b"[]", "a summary is not"),
        ({**SUMMARY, "calls": "2"}, "calls is not"),
    ],
)
def test_an_answer_of_another_server_is_an_error_that_does_not_pass(client, server, body, words):
    server.answer((200, body))
    refused(client, words, passing=False)


@pytest.mark.parametrize(
    "content", [[], {}, {"notifications": [], "next": None}, {"notifications": [], "next": {}}]
)
def test_a_feed_that_is_none_is_an_error_that_does_not_pass(client, server, content):
    server.answer((200, content))
    with pytest.raises(ReceiverError, match="is invalid") as raised:
        client.read_feed()
    assert not raised.value.is_passing


def test_nobody_listening_may_pass_and_names_the_host_only():
    port = unused_port()
    client = ReceiverClient(f"http://127.0.0.1:{port}", "inforu_default", SECRET)
    said = refused(client, f"cannot reach the receiver at 127.0.0.1:{port}", passing=True)
    assert SEND not in said


def test_a_connection_that_closes_may_pass(client, server):
    server.answer(reset)
    refused(client, "cannot reach the receiver", passing=True)


def test_an_answer_that_does_not_come_may_pass(server):
    over = threading.Event()
    server.answer(hang_until(over))
    try:
        refused(
            ReceiverClient(server.url, "c", SECRET, timeout=0.2), "cannot reach the receiver", passing=True
        )
    finally:
        over.set()


def test_an_answer_that_trickles_may_pass(server):
    over = threading.Event()

    def trickle(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        while not over.wait(0.02):
            handler.wfile.write(b" ")

    server.answer(trickle)
    try:
        refused(ReceiverClient(server.url, "c", SECRET, timeout=0.3), "did not end in time", passing=True)
    finally:
        over.set()


def test_an_answer_without_an_end_is_not_read(client, server, monkeypatch):
    monkeypatch.setattr(client_module, "MAX_ANSWER_BYTES", 1000)
    server.answer((200, b" " * 2000))
    refused(client, "is longer than 1000 bytes", passing=False)


def test_a_proxy_of_the_environment_is_used(server, monkeypatch):
    server.answer((200, SUMMARY))
    monkeypatch.setenv("HTTP_PROXY", server.url)
    ReceiverClient("http://receiver.example", "c", SECRET).get_summary(SEND)
    assert server.requests[0][0] == f"http://receiver.example/inforu/v1/c/sends/{SEND}"


def test_the_error_crosses_to_another_process():
    error = pickle.loads(pickle.dumps(ReceiverError("away", is_passing=True)))  # noqa: S301 - our own
    assert (str(error), error.is_passing) == ("away", True)


def test_after_closing_the_pool_is_empty(client, server):
    server.answer((200, SUMMARY))
    client.get_summary(SEND)
    client.close()
    assert client.get_summary(SEND).calls == 2
