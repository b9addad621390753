"""Faults on demand, as a client meets them."""

from __future__ import annotations

import socket
import threading
from email.utils import parsedate_to_datetime

import pytest
import requests

from airflow_provider_inforu.capi.statuses import StatusId
from airflow_provider_inforu.sandbox.control_input import ControlInputError

PHONE = "0500000001"


@pytest.mark.parametrize("status", list(StatusId))
def test_every_status_can_be_asked_for_with_its_http_code(send, sandbox, status):
    sandbox.add_fault("status", status_id=status.value)
    response = send(PHONE)
    assert (response.status_code, response.json()["StatusId"]) == (status.http_status or 403, status.value)
    assert sandbox.calls() == []


def test_a_failing_status_can_come_with_http_200(send, sandbox):
    sandbox.add_fault("status", status_id=-1, http_status=200)
    response = send(PHONE)
    assert (response.status_code, response.json()["StatusId"]) == (200, -1)


def test_a_status_that_nobody_knows_can_be_asked_for(send, sandbox):
    sandbox.add_fault("status", status_id=-4711)
    response = send(PHONE)
    assert (response.status_code, response.json()["StatusId"]) == (403, -4711)


@pytest.mark.parametrize(("body", "text"), [("html", "<h1>"), ("empty", "")])
def test_an_http_error_comes_with_html_or_nothing(send, sandbox, body, text):
    sandbox.add_fault("http_error", http_status=503, body=body)
    response = send(PHONE)
    assert response.status_code == 503
    assert text in response.text
    assert bool(response.text) is bool(text)
    assert sandbox.calls() == []
    [request] = sandbox.requests()
    assert (request["http_status"], request["status_id"], request["fault"]) == (503, None, "http_error")


def test_an_http_error_is_500_by_default(send, sandbox):
    sandbox.add_fault("http_error")
    assert send(PHONE).status_code == 500


def test_garbage_is_a_200_that_nobody_can_read(send, sandbox):
    sandbox.add_fault("garbage")
    response = send(PHONE)
    assert response.status_code == 200
    with pytest.raises(ValueError, match="codec can't decode"):
        response.content.decode()
    assert sandbox.calls() == []


def test_a_slow_request_is_accepted_only_after_its_time(post, sandbox, wait_for):
    sandbox.add_fault("slow", seconds=1.5)
    data = {"List": [{"TextToSpeech": "Hello", "Phone": PHONE}]}
    with pytest.raises(requests.ReadTimeout):
        post("Voice/Message/Send", data, timeout=0.1)
    assert sandbox.calls() == []
    wait_for(sandbox.calls)


def test_a_slow_answer_comes_after_the_calls_were_accepted(post, sandbox, wait_for):
    sandbox.add_fault("accept_then_slow", seconds=1)
    data = {"List": [{"TextToSpeech": "Hello", "Phone": PHONE}]}
    with pytest.raises(requests.ReadTimeout):
        post("Voice/Message/Send", data, timeout=0.1)
    assert len(sandbox.calls()) == 1
    assert sandbox.requests()[0]["http_status"] is None
    wait_for(lambda: sandbox.requests()[0]["http_status"] == 200)


def test_a_request_that_is_still_slow_after_a_reset_reaches_no_later_test(post, sandbox, wait_for):
    sandbox.add_fault("slow", seconds=0.2)
    data = {"List": [{"TextToSpeech": "Hello", "Phone": PHONE}]}
    slow = threading.Thread(target=post, args=("Voice/Message/Send", data))
    slow.start()
    wait_for(sandbox.requests)
    sandbox.reset()
    slow.join()
    assert sandbox.calls() == []


def test_the_rate_limit_fault_gives_seconds_a_date_or_nothing(send, sandbox):
    sandbox.add_fault("rate_limit", retry_after=7)
    sandbox.add_fault("rate_limit", retry_after=7, retry_after_form="date")
    sandbox.add_fault("rate_limit", retry_after_form="none")
    responses = [send(PHONE) for _ in range(3)]
    assert {(response.status_code, response.json()["StatusId"]) for response in responses} == {(429, -429)}
    assert responses[0].headers["Retry-After"] == "7"
    assert parsedate_to_datetime(responses[1].headers["Retry-After"]).tzinfo is not None
    assert "Retry-After" not in responses[2].headers


def test_drop_resets_the_connection_and_accepts_nothing(send, sandbox):
    sandbox.add_fault("drop")
    with pytest.raises(requests.ConnectionError):
        send(PHONE)
    assert sandbox.calls() == []
    [request] = sandbox.requests()
    assert (request["http_status"], request["status_id"], request["fault"]) == (None, None, "drop")


def test_accept_then_drop_accepts_the_calls_and_never_answers(send, sandbox):
    sandbox.add_fault("accept_then_drop")
    with pytest.raises(requests.ConnectionError):
        send(PHONE)
    assert [call["phone"] for call in sandbox.calls()] == [PHONE]
    assert sandbox.requests()[0]["http_status"] is None
    assert send(PHONE).json()["StatusId"] == 1


def test_accept_then_error_accepts_the_calls_and_answers_5xx(send, sandbox):
    sandbox.add_fault("accept_then_error", http_status=502, body="empty")
    response = send(PHONE)
    assert (response.status_code, response.text) == (502, "")
    assert len(sandbox.calls()) == 1


def read_huge_answer(sandbox, chunks):
    """Have a huge answer begin, leave in the middle, and return how many bytes were read."""
    sandbox.add_fault("huge")
    with requests.post(
        f"{sandbox.url}/api/v2/Voice/Message/Send",
        json={},
        auth=(sandbox.username, sandbox.token),
        timeout=20,
        stream=True,
    ) as response:
        assert response.status_code == 200
        return sum(len(chunk) for chunk, _ in zip(response.iter_content(65_536), range(chunks), strict=False))


def test_a_huge_answer_goes_on_as_long_as_it_is_read(sandbox):
    assert read_huge_answer(sandbox, 64) > 3_000_000


def test_once_nobody_reads_a_huge_answer_the_next_request_is_answered(send, sandbox, caplog):
    for chunks in range(1, 64):
        read_huge_answer(sandbox, chunks)
    assert send(PHONE).json()["StatusId"] == 1
    # The event loop says so once for every piece that it cannot send, and serves nobody meanwhile.
    assert {record.message for record in caplog.records if record.name == "asyncio"} == set()


def test_a_huge_answer_ends_where_it_was_told_to(send, sandbox):
    sandbox.add_fault("huge", megabytes=1)
    response = send(PHONE)
    assert len(response.json()["DetailedDescription"]) == 1_048_576


def test_loose_types_change_letter_case_and_types_of_an_accepted_send(send, sandbox):
    sandbox.add_fault("loose_types")
    answer = send(PHONE).json()
    [call] = sandbox.calls()
    assert answer["statusId"] == "1"
    assert answer["data"] == {"CampaignId": str(call["campaign_id"]), "RequestToken": call["request_token"]}
    assert "StatusId" not in answer


def test_loose_types_can_leave_data_out(send, sandbox):
    sandbox.add_fault("loose_types", null_data=True)
    assert send(PHONE).json()["data"] is None
    assert len(sandbox.calls()) == 1


def test_refuse_refuses_connections_and_then_listens_on_the_same_port(send, sandbox, wait_for):
    with requests.Session() as kept:
        kept.get(f"{sandbox.url}/_sandbox/health", timeout=20)
        sandbox.add_fault("refuse", seconds=1)
        with pytest.raises(requests.ConnectionError, match="refused"):
            kept.get(f"{sandbox.url}/_sandbox/health", timeout=20)

    def accepted() -> bool:
        try:
            return send(PHONE).status_code == 200
        except requests.ConnectionError:
            return False

    wait_for(accepted)
    assert len(sandbox.calls()) == 1


def test_refuse_lets_a_request_that_is_being_answered_finish_and_closes_then(sandbox, wait_for):
    sandbox.add_fault("accept_then_slow", seconds=0.3)
    data = {"Data": {"List": [{"TextToSpeech": "Hello", "Phone": PHONE}]}}
    url = f"{sandbox.url}/api/v2/Voice/Message/Send"
    responses: list[requests.Response] = []
    with requests.Session() as kept:
        kept.auth = (sandbox.username, sandbox.token)
        sender = threading.Thread(target=lambda: responses.append(kept.post(url, json=data, timeout=20)))
        sender.start()
        wait_for(sandbox.calls)
        sandbox.add_fault("refuse", seconds=60)
        sender.join()
        assert responses[0].json()["StatusId"] == 1
        assert responses[0].headers["connection"] == "close"
        with pytest.raises(requests.ConnectionError, match="refused"):
            kept.post(url, json=data, timeout=20)


def test_a_reset_or_a_second_refusal_ends_a_refusal(send, sandbox):
    sandbox.add_fault("refuse", seconds=60)
    sandbox.add_fault("refuse", seconds=61)
    sandbox.reset()
    assert send(PHONE).status_code == 200


def test_a_port_that_another_program_holds_is_taken_back_when_it_is_free(send, sandbox, wait_for):
    port = int(sandbox.url.rpartition(":")[2])
    sandbox.add_fault("refuse", seconds=1)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        threading.Event().wait(1.3)

    def accepted() -> bool:
        try:
            return send(PHONE).status_code == 200
        except requests.ConnectionError:
            return False

    wait_for(accepted)
    assert accepted()


def test_a_fault_hits_as_many_requests_as_it_says(send, sandbox):
    sandbox.add_fault("http_error", count=2)
    assert [send(PHONE).status_code for _ in range(3)] == [500, 500, 200]


def test_a_fault_for_one_function_leaves_the_others_alone(send, post, sandbox):
    sandbox.add_fault("http_error", function="Voice/Message/Send")
    assert post("Admin/GetQuota", {}).status_code == 200
    assert send(PHONE).status_code == 500


def test_faults_are_served_in_their_order_and_can_be_cleared(send, sandbox):
    sandbox.add_fault("status", status_id=-1)
    sandbox.add_fault("status", status_id=-13, count=3)
    assert [send(PHONE).json()["StatusId"] for _ in range(2)] == [-1, -13]
    [waiting] = sandbox.faults()
    assert (waiting["kind"], waiting["count"]) == ("status", 2)
    sandbox.clear_faults()
    assert send(PHONE).json()["StatusId"] == 1


@pytest.mark.parametrize(
    ("kind", "parameters", "words"),
    [
        ("explode", {}, "kind"),
        ("status", {}, "needs a status_id"),
        ("drop", {"seconds": 1}, "drop takes no seconds"),
        ("slow", {"seconds": -1}, "seconds"),
        ("slow", {"second": 1}, "second: unknown name"),
        ("refuse", {"count": 2}, "only seconds"),
        ("http_error", {"http_status": 99}, "http_status"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_in_words(sandbox, kind, parameters, words):
    with pytest.raises(ControlInputError, match=words):
        sandbox.add_fault(kind, **parameters)
    assert sandbox.faults() == []


def test_a_client_that_leaves_in_the_middle_of_its_request_harms_nobody(send, sandbox):
    port = int(sandbox.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(
            b"POST /api/v2/Voice/Message/Send HTTP/1.1\r\nHost: sandbox\r\nContent-Length: 1000\r\n\r\n{"
        )
    assert send(PHONE).status_code == 200
    assert len(sandbox.requests()) == 1
