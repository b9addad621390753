"""The nginx sample of the docs, run by a real nginx in front of a receiver that has a list of addresses."""

import json
import re
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from airflow_provider_inforu.receiver.receiver_settings import parse_networks
from tests.integration.ground import skip_unless_required
from tests.receiver import SECRET, end_of_call, running_receiver

DOCS = (Path(__file__).parents[3] / "docs" / "receiver.md").read_text()
SEND = "abababababababab"
LISTED = "192.0.2.7"
PATIENCE = 60


def docs_sample():
    (sample,) = re.findall(r"```nginx\n(.*?)```", DOCS, re.DOTALL)
    return sample


@contextmanager
def behind_nginx(folder, allowed, sample=None):
    """Run a receiver that admits these addresses behind nginx; give the proxy's port, and the receiver."""
    program = shutil.which("nginx")
    if program is None:
        skip_unless_required("nginx", "there is no nginx")
    networks = parse_networks([allowed], "receiver_allowed_addresses")
    with running_receiver(f"sqlite:///{folder / 'db'}", allowed_addresses=networks) as receiver:
        with socket.create_server(("127.0.0.1", 0)) as held:
            port = held.getsockname()[1]
        log_format, location = (sample or docs_sample()).split("\n\n", 1)
        location = location.replace("http://127.0.0.1:8090", receiver.url)
        location = location.replace("/var/log/nginx/", f"{folder}/")
        config = folder / "nginx.conf"
        config.write_text(
            f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;\n"
            f"events {{}}\nhttp {{ access_log off; client_body_temp_path {folder}/body;\n"
            f"proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;\n"
            f"uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;\n"
            f"{log_format}\nserver {{ listen 127.0.0.1:{port};\n{location} }} }}\n"
        )
        process = subprocess.Popen([program, "-e", f"{folder}/error.log", "-c", str(config)])
        try:
            wait_until_it_listens(port, process, folder)
            yield port, receiver
        finally:
            process.terminate()
            process.wait(PATIENCE)


def wait_until_it_listens(port, process, folder):
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert process.poll() is None, (folder / "error.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


def request(port, path, method="POST", body=None):
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection._validate_path = lambda _: None
    connection.request(method, path, body=body, headers={"Content-Type": "application/json"})
    answer = connection.getresponse()
    return answer.status, answer.read()


def forged_push(before_line_end):
    """Return a path that ends the request line and brings headers and a body of its own."""
    body = json.dumps([end_of_call(f"{SEND}-1", status="Forged")], separators=(",", ":")).replace(" ", "")
    body = body.replace('"2026-01-1512:00:00"', '"2026-01-15"')
    headers = [
        f"X-Forwarded-For: {LISTED}",
        f"X-Inforu-Secret: {SECRET}",
        f"Content-Length: {len(body)}",
        "Connection: close",
    ]
    text = "\r\n" + "\r\n".join(headers) + "\r\n\r\n" + body
    escaped = "".join(f"%{ord(one):02x}" for one in text)
    return f"/inforu/v1/inforu_default{before_line_end}{escaped}/notifications"


ATTACKS = {
    "headers and body in the path": forged_push("%252Fnotifications"),
    "headers in the path": (
        f"/inforu/v1/a%0d%0aX-Forwarded-For:%20192.0.2.7%0d%0aX:%20/notifications?secret={SECRET}"
    ),
    "a query in the path": f"/inforu/v1/inforu_default%3Fsecret={SECRET}/notifications",
    "a line end after the path": f"/inforu/v1/inforu_default/notifications%0a?secret={SECRET}",
    "a slash that is encoded twice": f"/inforu/v1/inforu_default%252fx/notifications?secret={SECRET}",
    "a space": f"/inforu/v1/inforu_default%20HTTP/1.1/notifications?secret={SECRET}",
}


@pytest.mark.parametrize("name", ATTACKS)
def test_no_path_writes_headers_of_its_own(tmp_path, name):
    with behind_nginx(tmp_path, LISTED) as (port, receiver):
        status, _ = request(port, ATTACKS[name], body=json.dumps([end_of_call(f"{SEND}-1")]))
        assert status in (400, 403, 404)
        assert receiver.summary(SEND)["calls"] == 0


def test_the_pattern_that_the_docs_warn_of_lets_a_stranger_push(tmp_path):
    """Else the attack would prove nothing about the sample."""
    sample = docs_sample().replace(r"[\w.:!()-]+/notifications\z", "[^/]+/notifications$")
    assert sample != docs_sample()
    with behind_nginx(tmp_path, LISTED, sample) as (port, receiver):
        request(port, ATTACKS["headers and body in the path"], body="[]")
        assert receiver.summary(SEND)["by_status"] == {"Forged": 1}


def test_a_push_passes_and_its_secret_is_in_no_log_of_nginx(tmp_path):
    with behind_nginx(tmp_path, "127.0.0.1") as (port, receiver):
        body = json.dumps([end_of_call(f"{SEND}-1")])
        path = f"/inforu/v1/inforu_default/notifications?secret={SECRET}"
        assert request(port, path, body=body)[0] == 200
        assert receiver.summary(SEND)["calls"] == 1
        assert request(port, path, method="GET")[0] == 403
        assert request(port, f"/inforu/v1/inforu_default/sends/{SEND}", method="GET")[0] == 404
    logs = "".join(file.read_text() for file in tmp_path.glob("*.log"))
    assert "/inforu/v1/inforu_default/notifications" in logs
    assert SECRET not in logs


def test_a_stranger_who_knows_the_secret_is_refused_by_address(tmp_path):
    with behind_nginx(tmp_path, LISTED) as (port, _):
        path = f"/inforu/v1/inforu_default/notifications?secret={SECRET}"
        assert request(port, path, body="[]")[0] == 403
