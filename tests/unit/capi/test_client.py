"""The client against a real server: what goes over the wire, and what each fault proves."""

import json
import socket
import ssl
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import airflow_provider_inforu
from airflow_provider_inforu.capi import client as client_module
from airflow_provider_inforu.capi import connections
from airflow_provider_inforu.capi.client import InforuClient
from airflow_provider_inforu.capi.errors import (
    InforuAuthenticationError,
    InforuConnectionError,
    InforuInputError,
    InforuOutcomeUnknownError,
    InforuRateLimitError,
)
from airflow_provider_inforu.capi.voice import (
    SEND_EXISTING_CAMPAIGN,
    SEND_TEXT_TO_SPEECH,
    Call,
    text_to_speech_data,
)

GUIDE_TEXT_TO_SPEECH = json.loads("""
{"Data": {"List": [
    {"TextToSpeech": "Hello World", "Phone": "0589995551", "CustomerMessageID": "9865998888"}
]}}
""")
GUIDE_EXISTING = json.loads(
    '{"Data": {"CampaignId": "183", "List": [{"Phone": "0589995551", "CustomerMessageID": "9865998888"}]}}'
)
DATA = text_to_speech_data([Call(phone="0500000001", text="שלום", message_id="s-1")])


def client_of(sandbox, **kwargs):
    return InforuClient(base_url=sandbox.url, username=sandbox.username, token=sandbox.token, **kwargs)


class ManyAtOnce(ThreadingHTTPServer):
    """A server to which many may connect at once: with http.server's queue of 5, some wait for seconds."""

    daemon_threads = True
    request_queue_size = 128


@contextmanager
def server(handle, tls=None):
    """A bare server whose handler gets the request handler of http.server."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.server.seen.append(self)
            handle(self)

        def log_message(self, *args):
            pass

    running = ManyAtOnce(("127.0.0.1", 0), Handler)
    running.seen, running.bodies = [], []
    if tls:
        running.socket = tls.wrap_socket(running.socket, server_side=True)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    running.url = f"http{'s' if tls else ''}://127.0.0.1:{running.server_address[1]}"
    try:
        yield running
    finally:
        running.shutdown()
        running.server_close()


def answer(handler, body=b'{"StatusId": 1}', code=200, **headers):
    handler.send_response(code)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@pytest.mark.parametrize(
    ("function", "envelope"),
    [(SEND_TEXT_TO_SPEECH, GUIDE_TEXT_TO_SPEECH), (SEND_EXISTING_CAMPAIGN, GUIDE_EXISTING)],
)
def test_with_header_authentication_the_request_equals_the_guides_example(function, envelope):
    with server(answer) as vendor:
        InforuClient(base_url=vendor.url, username="USER", token="TOKEN").call(function, envelope["Data"])
    (request,) = vendor.seen
    assert request.path == f"/api/v2/{function}"
    assert request.headers["Authorization"] == "Basic VVNFUjpUT0tFTg=="
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["User-Agent"] == f"airflow-provider-inforu/{airflow_provider_inforu.__version__}"
    assert json.loads(vendor.bodies[0]) == envelope


@pytest.mark.parametrize(
    ("function", "envelope"),
    [(SEND_TEXT_TO_SPEECH, GUIDE_TEXT_TO_SPEECH), (SEND_EXISTING_CAMPAIGN, GUIDE_EXISTING)],
)
def test_with_body_authentication_the_request_equals_the_guides_example(function, envelope):
    with server(answer) as vendor:
        client = InforuClient(base_url=vendor.url, username="USER", token="TOKEN", auth_location="body")
        client.call(function, envelope["Data"])
    (request,) = vendor.seen
    assert request.path == f"/api/v2/{function}?json="
    assert request.headers["Authorization"] is None
    assert json.loads(vendor.bodies[0]) == {"Auth": {"Username": "USER", "Token": "TOKEN"}, **envelope}


@pytest.mark.parametrize("auth_location", ["header", "body"])
def test_a_call_is_accepted_with_both_ways_of_authentication(inforu_sandbox, auth_location):
    reply = client_of(inforu_sandbox, auth_location=auth_location).call(SEND_TEXT_TO_SPEECH, DATA)
    assert reply.data["RequestToken"]
    assert [call["text"] for call in inforu_sandbox.calls()] == ["שלום"]


def test_a_wrong_token_is_an_authentication_error_that_shows_neither(inforu_sandbox):
    with pytest.raises(InforuAuthenticationError) as raised:
        InforuClient(base_url=inforu_sandbox.url, username="u", token="wrong-token").call(
            "Admin/GetQuota", {}
        )
    assert raised.value.status_id == -2
    assert "wrong-token" not in str(raised.value)


FAULTS = [
    ({"kind": "drop"}, InforuOutcomeUnknownError, 0),
    ({"kind": "accept_then_drop"}, InforuOutcomeUnknownError, 1),
    ({"kind": "accept_then_slow", "seconds": 3}, InforuOutcomeUnknownError, 1),
    ({"kind": "accept_then_error"}, InforuOutcomeUnknownError, 1),
    ({"kind": "http_error", "http_status": 503}, InforuOutcomeUnknownError, 0),
    ({"kind": "http_error", "http_status": 404}, InforuOutcomeUnknownError, 0),
    ({"kind": "garbage"}, InforuOutcomeUnknownError, None),
    ({"kind": "huge"}, InforuOutcomeUnknownError, None),
    ({"kind": "status", "status_id": -1}, InforuOutcomeUnknownError, 0),
    ({"kind": "status", "status_id": -2, "http_status": 200}, InforuAuthenticationError, 0),
    ({"kind": "rate_limit", "retry_after": 7}, InforuRateLimitError, 0),
]


@pytest.mark.parametrize(("fault", "error", "rang"), FAULTS, ids=[str(fault[0]) for fault in FAULTS])
def test_each_fault_is_one_request_and_the_error_that_it_proves(inforu_sandbox, fault, error, rang):
    inforu_sandbox.add_fault(**fault)
    with pytest.raises(error) as raised:
        client_of(inforu_sandbox, timeout=1 if "slow" in fault["kind"] else 60).call(
            SEND_TEXT_TO_SPEECH, DATA
        )
    assert type(raised.value) is error
    assert raised.value.safe_to_resend is (error is not InforuOutcomeUnknownError)
    assert len(inforu_sandbox.requests()) == 1
    if rang is not None:
        assert len(inforu_sandbox.calls()) == rang
    assert "0500000001" not in str(raised.value)


def test_a_rate_limit_says_when_to_come_back(inforu_sandbox):
    inforu_sandbox.add_fault("rate_limit", retry_after=7)
    with pytest.raises(InforuRateLimitError) as raised:
        client_of(inforu_sandbox).call(SEND_TEXT_TO_SPEECH, DATA)
    assert raised.value.retry_after == "7"


def test_loose_types_are_read(inforu_sandbox):
    inforu_sandbox.add_fault("loose_types")
    assert client_of(inforu_sandbox).call(SEND_TEXT_TO_SPEECH, DATA).status_id == 1


def unused_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize(
    ("base_url", "reason"),
    [
        (None, "Connection refused"),
        ("http://no-such-host.invalid", "cannot reach no-such-host.invalid"),
        ("http://" + "a" * 70 + ".example", "cannot reach"),
    ],
)
def test_a_request_that_never_left_is_safe_to_resend(base_url, reason):
    client = InforuClient(base_url=base_url or f"http://127.0.0.1:{unused_port()}", username="u", token="t")
    with pytest.raises(InforuConnectionError, match=reason) as raised:
        client.call(SEND_TEXT_TO_SPEECH, DATA)
    assert raised.value.safe_to_resend
    assert "was not sent" in str(raised.value)


def test_a_connect_timeout_is_safe_to_resend(monkeypatch):
    monkeypatch.setattr(client_module, "CONNECT_TIMEOUT_SECONDS", 0.2)
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        client = InforuClient(base_url=f"http://127.0.0.1:{address[1]}", username="u", token="t", timeout=1)
        with pytest.raises(InforuConnectionError, match="timed out"):
            client.call(SEND_TEXT_TO_SPEECH, DATA)
        for filler in fillers:
            filler.close()


def test_after_a_request_that_left_the_next_one_that_does_not_is_told_apart(inforu_sandbox):
    client = client_of(inforu_sandbox)
    client.call("Admin/GetQuota", {})
    inforu_sandbox.add_fault("refuse", seconds=30)
    with pytest.raises(InforuConnectionError):
        client.call("Admin/GetQuota", {})
    inforu_sandbox.reset()
    assert client.call("Admin/GetQuota", {}).status_id == 1


def test_a_redirect_is_not_followed():
    with (
        server(answer) as other,
        server(lambda handler: answer(handler, b"", 307, Location=other.url)) as vendor,
    ):
        with pytest.raises(InforuOutcomeUnknownError, match="HTTP 307"):
            InforuClient(base_url=vendor.url, username="u", token="t").call(SEND_TEXT_TO_SPEECH, DATA)
        assert other.seen == []


def test_cookies_are_not_kept():
    with server(lambda handler: answer(handler, Set_Cookie="a=b; Path=/")) as vendor:
        client = InforuClient(base_url=vendor.url, username="u", token="t")
        client.call("Admin/GetQuota", {})
        client.call("Admin/GetQuota", {})
    assert [request.headers["Cookie"] for request in vendor.seen] == [None, None]


def test_a_netrc_file_does_not_replace_the_credentials(tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login other password other\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with server(answer) as vendor:
        InforuClient(base_url=vendor.url, username="USER", token="TOKEN").call("x", {})
        InforuClient(base_url=vendor.url, username="USER", token="TOKEN", auth_location="body").call("x", {})
    assert [request.headers["Authorization"] for request in vendor.seen] == ["Basic VVNFUjpUT0tFTg==", None]


@pytest.fixture(scope="module")
def self_signed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=127.0.0.1",
            ),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", folder / "key.pem", "-out", folder / "cert.pem"),
        ],
        check=True,
        capture_output=True,
    )
    return folder


@pytest.fixture
def tls(self_signed):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed / "cert.pem", self_signed / "key.pem")
    return context


def test_a_certificate_that_nobody_vouches_for_is_refused_before_anything_leaves(tls):
    with server(answer, tls) as vendor:
        with pytest.raises(InforuConnectionError, match="certificate verify failed"):
            InforuClient(base_url=vendor.url, username="u", token="t").call(SEND_TEXT_TO_SPEECH, DATA)
        assert vendor.seen == []


def test_over_tls_with_a_trusted_certificate_a_request_works(tls, self_signed, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(self_signed / "cert.pem"))
    with server(answer, tls) as vendor:
        client = InforuClient(base_url=vendor.url, username="u", token="t")
        assert client.call("Admin/GetQuota", {}).status_id == 1
        assert client.call("Admin/GetQuota", {}).status_id == 1
        assert len(set(ports_seen(vendor))) == 1


def test_a_request_goes_through_the_proxy_and_an_unreachable_proxy_is_safe_to_resend():
    with server(answer) as proxy:
        client = InforuClient(base_url="http://vendor.invalid", username="u", token="t", proxy=proxy.url)
        client.call("Admin/GetQuota", {})
    assert proxy.seen[0].path == "http://vendor.invalid/api/v2/Admin/GetQuota"
    secret = f"http://me:pr0xy-s3cret@127.0.0.1:{unused_port()}"
    for base_url in ("http://vendor.invalid", "https://vendor.invalid"):
        client = InforuClient(base_url=base_url, username="u", token="t", proxy=secret)
        with pytest.raises(InforuConnectionError) as raised:
            client.call(SEND_TEXT_TO_SPEECH, DATA)
        assert "pr0xy-s3cret" not in str(raised.value)


def test_a_proxy_that_refuses_the_tunnel_let_nothing_out():
    class Refusing(ThreadingHTTPServer):
        pass

    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self):
            self.send_error(407)

        def log_message(self, *args):
            pass

    with Refusing(("127.0.0.1", 0), Handler) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        client = InforuClient(
            base_url="https://vendor.invalid",
            username="u",
            token="t",
            proxy=f"http://127.0.0.1:{proxy.server_address[1]}",
        )
        with pytest.raises(InforuConnectionError, match="407"):
            client.call(SEND_TEXT_TO_SPEECH, DATA)
        proxy.shutdown()


def ports_seen(vendor):
    return [request.client_address[1] for request in vendor.seen]


def test_a_connection_is_reused_while_it_is_fresh():
    with server(answer) as vendor:
        client = InforuClient(base_url=vendor.url, username="u", token="t")
        client.call("Admin/GetQuota", {})
        client.call("Admin/GetQuota", {})
        assert len(set(ports_seen(vendor))) == 1


def test_as_many_connections_are_kept_as_requests_were_in_the_air(monkeypatch):
    monkeypatch.setattr(connections, "MAX_IDLE_SECONDS", 60.0)
    width = 40
    together = threading.Barrier(width)

    def answer_together(handler):
        together.wait(60)
        answer(handler)

    with server(answer_together) as vendor, ThreadPoolExecutor(width) as pool:
        client = InforuClient(base_url=vendor.url, username="u", token="t", timeout=60)
        for _ in range(2):
            list(pool.map(lambda _: client.call("Admin/GetQuota", {}), range(width)))
        assert len(set(ports_seen(vendor))) == width


def test_a_connection_that_sat_idle_is_not_reused(monkeypatch):
    monkeypatch.setattr(connections, "MAX_IDLE_SECONDS", 0.0)
    with server(answer) as vendor:
        client = InforuClient(base_url=vendor.url, username="u", token="t")
        client.call("Admin/GetQuota", {})
        client.call("Admin/GetQuota", {})
        client.close()
        assert len(set(ports_seen(vendor))) == 2


def test_an_answer_that_does_not_end_in_time_proves_nothing():
    stop = threading.Event()

    def drip(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        while not stop.wait(0.05):
            handler.wfile.write(b" ")
            handler.wfile.flush()
        handler.close_connection = True

    with server(drip) as vendor:
        with pytest.raises(InforuOutcomeUnknownError, match="did not end in time"):
            InforuClient(base_url=vendor.url, username="u", token="t", timeout=2).call(
                SEND_TEXT_TO_SPEECH, DATA
            )
        stop.set()


@pytest.mark.parametrize(
    "proxy", ["socks5://127.0.0.1:1", "http://me:s3cr3t#pw@127.0.0.1:1", "http://me:pw@"]
)
def test_a_proxy_of_the_environment_that_cannot_be_used_is_safe_to_resend_and_not_shown(
    monkeypatch, inforu_sandbox, proxy
):
    monkeypatch.setenv("HTTP_PROXY", proxy)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(InforuConnectionError) as raised:
        client_of(inforu_sandbox).call(SEND_TEXT_TO_SPEECH, DATA)
    assert "s3cr3t" not in str(raised.value)
    assert inforu_sandbox.requests() == []


def test_the_environment_is_read_when_the_client_is_made(monkeypatch, inforu_sandbox):
    client = client_of(inforu_sandbox)
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{unused_port()}")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert client.call(SEND_TEXT_TO_SPEECH, DATA).status_id == 1
    with pytest.raises(InforuConnectionError):
        client_of(inforu_sandbox).call(SEND_TEXT_TO_SPEECH, DATA)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert client_of(inforu_sandbox).call(SEND_TEXT_TO_SPEECH, DATA).status_id == 1


def test_a_password_in_the_address_is_not_shown():
    client = InforuClient(base_url=f"http://me:pw12345@127.0.0.1:{unused_port()}", username="u", token="t")
    with pytest.raises(InforuConnectionError) as raised:
        client.call(SEND_TEXT_TO_SPEECH, DATA)
    assert "pw12345" not in str(raised.value)


def test_what_json_cannot_hold_is_refused_before_anything_leaves(inforu_sandbox):
    with pytest.raises(InforuInputError):
        client_of(inforu_sandbox).call(SEND_TEXT_TO_SPEECH, {"List": object()})
    assert inforu_sandbox.requests() == []


def test_a_request_that_is_made_ready_goes_out_when_it_is_sent_and_only_then(inforu_sandbox):
    client = client_of(inforu_sandbox)
    prepared = client.prepare(SEND_TEXT_TO_SPEECH, DATA)
    assert inforu_sandbox.requests() == []
    assert repr(prepared) == "PreparedCall(function='Voice/Message/Send')"
    client.send(prepared)
    (request,) = inforu_sandbox.requests()
    assert request["body"] == {"Data": DATA}


@pytest.mark.parametrize("auth_location", ["header", "body"])
def test_requests_that_are_made_ready_together_go_out_each_with_its_own_content(
    inforu_sandbox, auth_location
):
    client = client_of(inforu_sandbox, auth_location=auth_location)
    datas = [text_to_speech_data([Call("0500000001", "שלום " * count, f"s-{count}")]) for count in (1, 50, 2)]
    prepared = [client.prepare(SEND_TEXT_TO_SPEECH, data) for data in datas]
    receipts = [client.send(one) for one in prepared]
    assert [request["body"]["Data"] for request in inforu_sandbox.requests()] == datas
    assert len({receipt.data["RequestToken"] for receipt in receipts}) == len(datas)


def test_a_request_that_cannot_be_made_ready_was_not_sent():
    client = InforuClient(base_url="http://", username="u", token="t")
    with pytest.raises(InforuConnectionError, match="was not sent"):
        client.prepare(SEND_TEXT_TO_SPEECH, DATA)


def test_what_an_earlier_request_of_the_thread_did_says_nothing_of_the_next(inforu_sandbox):
    client_of(inforu_sandbox).call("Admin/GetQuota", {})
    client = InforuClient(base_url=f"http://127.0.0.1:{unused_port()}", username="u", token="t")
    with pytest.raises(InforuConnectionError, match="was not sent"):
        client.send(client.prepare(SEND_TEXT_TO_SPEECH, DATA))
