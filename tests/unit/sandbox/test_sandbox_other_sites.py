"""A web page that a developer visits can neither read nor steer a running sandbox."""

import pytest
import requests

from airflow_provider_inforu.sandbox import SandboxServer

CALL = {"List": [{"TextToSpeech": "Hello", "Phone": "0500000001"}]}


@pytest.mark.parametrize("path", ["/_sandbox/calls", "/_sandbox/settings", "/", "/api/v2/Voice/Message/Send"])
@pytest.mark.parametrize(
    "host", ["evil.example:8765", "evil.example", "", "127.0.0.1.evil.example", "a@b:c:d"]
)
def test_a_foreign_host_name_reads_nothing(sandbox, post, path, host):
    post("Voice/Message/Send", CALL)
    answer = requests.get(sandbox.url + path, headers={"Host": host}, timeout=20)
    assert answer.status_code in (400, 403)
    assert "0500000001" not in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/_sandbox/reset", ""),
        ("POST", "/_sandbox/faults", '{"kind": "refuse", "seconds": 86400}'),
        ("PUT", "/_sandbox/settings", '{"notification_url": "http://127.0.0.1:1"}'),
        ("GET", "/_sandbox/calls", ""),
    ],
)
def test_another_web_site_changes_nothing_and_reads_nothing(sandbox, post, headers, method, path, body):
    post("Voice/Message/Send", CALL)
    before = sandbox.settings()
    headers = {"Content-Type": "text/plain", **headers}
    answer = requests.request(method, sandbox.url + path, data=body, headers=headers, timeout=20)
    assert answer.status_code == 403
    assert "0500000001" not in answer.text
    assert (len(sandbox.calls()), sandbox.settings(), sandbox.faults()) == (1, before, [])


@pytest.mark.parametrize(
    "host", ["localhost:1", "LOCALHOST", "sandbox.localhost", "[::1]:8765", "192.0.2.7", "box"]
)
def test_the_sandbox_answers_to_its_own_names(host):
    with SandboxServer(allowed_hosts="other, box") as sandbox:
        own = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
        assert requests.post(f"{sandbox.url}/_sandbox/reset", headers=own, timeout=20).status_code == 200
