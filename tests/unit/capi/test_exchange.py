"""A response belongs to its request and comes in time, whatever a vendor or a proxy sends."""

import contextlib
import gzip
import json
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import pytest

from airflow_provider_inforu.capi import client as client_module
from airflow_provider_inforu.capi.client import InforuClient
from airflow_provider_inforu.capi.errors import (
    InforuConnectionError,
    InforuOutcomeUnknownError,
    InforuRejectedError,
)
from airflow_provider_inforu.capi.exchange import RequestGroup
from airflow_provider_inforu.outcomes.outcome_errors import ReceiverError
from airflow_provider_inforu.outcomes.receiver_client import ReceiverClient
from tests.raw_vendor import accept, raw_vendor, response

MIB = 1024 * 1024
INTERIM = b"HTTP/1.1 %d X\r\nLink: </a.css>\r\n\r\n"


def new_client(vendor, **kwargs):
    return InforuClient(base_url=vendor.url, username="u", token="t", **kwargs)


def send(client, name):
    return client.call("Voice/Message/Send", {"Name": name}).data["RequestToken"]


def name_of(request):
    return request["Data"]["Name"]


@pytest.mark.parametrize("code", [100, 102, 103])
def test_an_interim_response_is_passed_over_and_each_request_gets_its_own_response(code):
    def respond(connection, request):
        if name_of(request) == "A":
            connection.sendall(INTERIM % code)
            time.sleep(0.1)
        if name_of(request) == "B":
            connection.sendall(response({"StatusId": -18}, 403))
        else:
            connection.sendall(accept(name_of(request)))

    with raw_vendor(respond) as vendor:
        client = new_client(vendor)
        assert send(client, "A") == "A"
        with pytest.raises(InforuRejectedError):
            send(client, "B")
        assert send(client, "C") == "C"


def test_interim_responses_without_an_end_leave_the_outcome_unknown():
    def respond(connection, _request):
        while True:
            connection.sendall(INTERIM % 100)

    with raw_vendor(respond) as vendor, pytest.raises(InforuOutcomeUnknownError, match="interim responses"):
        send(new_client(vendor), "A")


@pytest.mark.parametrize(
    "odd",
    [
        response(b"<html>busy</html>"),
        response({"StatusId": -1}),
        response({"StatusId": 1}, 503),
        response(b"", 101),
        response(b"", 302, "Location: /elsewhere"),
        response({}, 401),
    ],
    ids=["no envelope", "-1", "503", "101", "302", "401 without StatusId"],
)
def test_after_an_unknown_outcome_the_next_request_takes_a_new_connection(odd):
    def respond(connection, request):
        connection.sendall(odd if name_of(request) == "A" else accept(name_of(request)))

    with raw_vendor(respond) as vendor:
        client = new_client(vendor)
        with pytest.raises(Exception, match="HTTP"):
            send(client, "A")
        assert send(client, "B") == "B"
        assert len(set(vendor.ports)) == 2


@pytest.mark.parametrize("together", [True, False])
def test_a_second_response_is_never_taken_for_the_response_to_the_next_request(together):
    has_sent = threading.Event()

    def respond(connection, request):
        answer = accept(name_of(request))
        if name_of(request) != "A":
            connection.sendall(answer)
        elif together:
            connection.sendall(answer + answer)
            has_sent.set()
        else:
            connection.sendall(answer)
            time.sleep(0.1)
            connection.sendall(answer)
            has_sent.set()

    with raw_vendor(respond) as vendor:
        client = new_client(vendor)
        assert send(client, "A") == "A"
        assert has_sent.wait(30)
        assert send(client, "B") == "B"
        assert len(set(vendor.ports)) == 2


def test_a_connection_is_used_again_after_an_acceptance_and_after_a_refusal():
    def respond(connection, request):
        refused = name_of(request) == "B"
        connection.sendall(response({"StatusId": -18}, 403) if refused else accept(name_of(request)))

    with raw_vendor(respond) as vendor:
        client = new_client(vendor)
        send(client, "A")
        with pytest.raises(InforuRejectedError):
            send(client, "B")
        send(client, "C")
        assert len(set(vendor.ports)) == 1


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"


@pytest.mark.parametrize(
    ("start", "drop"),
    [(b"", b"H"), (b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"), (HEAD, b" "), (b"", INTERIM % 103)],
    ids=["status line", "header", "body", "interim responses"],
)
def test_a_trickled_response_gets_no_more_time_than_silence(monkeypatch, start, drop):
    monkeypatch.setattr("airflow_provider_inforu.capi.connections.MAX_INTERIM_RESPONSES", 10**9)

    def respond(connection, _request):
        connection.sendall(start)
        while not vendor.ended.wait(0.02):
            connection.sendall(drop)

    with raw_vendor(respond) as vendor:
        with pytest.raises(InforuOutcomeUnknownError, match=r"timed out|in time"):
            send(new_client(vendor, timeout=0.5), "A")
        with pytest.raises(ReceiverError) as raised:
            ReceiverClient(vendor.url, "c", "secret", timeout=0.5).get_summary("1")
        assert raised.value.is_passing


def test_a_response_in_pieces_is_read_to_its_end():
    answer = accept("A")

    def respond(connection, _request):
        for place in range(len(answer)):
            connection.sendall(answer[place : place + 1])
            time.sleep(0.001)

    with raw_vendor(respond) as vendor:
        assert send(new_client(vendor), "A") == "A"


def test_a_compressed_response_is_unpacked_no_further_than_a_response_may_be_long():
    bomb = response(gzip.compress(bytes(200 * MIB), compresslevel=1), 200, "Content-Encoding: gzip")
    with raw_vendor(lambda connection, _: connection.sendall(bomb)) as vendor:
        client = new_client(vendor)
        tracemalloc.start()
        try:
            with pytest.raises(InforuOutcomeUnknownError, match="longer than"):
                send(client, "A")
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert most < 20 * MIB


def test_a_large_request_leaves_as_a_whole():
    text = "שלום " * 200_000
    with raw_vendor(lambda connection, _: connection.sendall(accept("A"))) as vendor:
        new_client(vendor).call("Voice/Message/Send", {"Text": text})
        assert vendor.requests == [{"Data": {"Text": text}}]


def test_severing_a_group_ends_its_waiting_requests_as_unknown_and_no_other():
    asked, go_on = threading.Barrier(4), threading.Event()

    def respond(connection, request):
        asked.wait(30)
        go_on.wait(30)
        connection.sendall(accept(name_of(request)))

    group = RequestGroup()

    def send_in_group(client, name):
        with group.joined():
            return send(client, name)

    with raw_vendor(respond) as vendor, ThreadPoolExecutor(3) as pool:
        client = new_client(vendor)
        ours = [pool.submit(send_in_group, client, name) for name in "AB"]
        other = pool.submit(send, client, "C")
        asked.wait(30)
        group.sever()
        for one in ours:
            assert isinstance(one.exception(30), InforuOutcomeUnknownError)
        go_on.set()
        assert other.result(30) == "C"


def test_a_request_of_a_stopped_group_does_not_leave_and_says_so():
    group = RequestGroup()
    group.stop()
    with raw_vendor(lambda *_: None) as vendor:
        with group.joined(), pytest.raises(InforuConnectionError, match="was not sent") as raised:
            send(new_client(vendor), "A")
        assert raised.value.safe_to_resend
        assert vendor.requests == []


def test_a_response_that_came_counts_although_its_group_was_severed(monkeypatch):
    group = RequestGroup()
    parse = client_module.parse_reply

    def sever_and_parse(*args, **kwargs):
        group.sever()
        return parse(*args, **kwargs)

    monkeypatch.setattr(client_module, "parse_reply", sever_and_parse)
    with raw_vendor(lambda connection, _: connection.sendall(accept("A"))) as vendor, group.joined():
        assert send(new_client(vendor), "A") == "A"


def test_severing_ends_the_wait_for_a_body_whose_connection_is_to_close():
    headers_sent = threading.Event()

    def respond(connection, _request):
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + json.dumps({})[:1].encode())
        headers_sent.set()
        vendor.ended.wait(60)

    group = RequestGroup()

    def send_in_group():
        with group.joined():
            send(new_client(vendor, timeout=60), "A")

    with raw_vendor(respond) as vendor, ThreadPoolExecutor(1) as pool:
        sent = pool.submit(send_in_group)
        assert headers_sent.wait(30)
        time.sleep(0.1)
        group.sever()
        assert isinstance(sent.exception(30), InforuOutcomeUnknownError)


def test_a_header_that_is_no_header_shows_no_phone_in_the_log(caplog):
    caplog.set_level("DEBUG")

    def respond(connection, _request):
        body = json.dumps({"StatusId": 1, "Data": {"CampaignID": 1, "RequestToken": "A"}}).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n0501112233 was called\r\nX: y\r\n\r\n"
        connection.sendall(head.encode() + body)

    with raw_vendor(respond) as vendor, contextlib.suppress(InforuOutcomeUnknownError):
        send(new_client(vendor), "A")
    assert "0501112233" not in caplog.text
    assert "invalid headers" in caplog.text
