"""The sandbox as a server: from Python, from the command line, and in tests."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from airflow_provider_inforu.sandbox import SandboxServer
from airflow_provider_inforu.sandbox.__main__ import main
from airflow_provider_inforu.sandbox.control_input import ControlInputError

ROOT = Path(__file__).parents[3]


def start_command(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "airflow_provider_inforu.sandbox", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def signals():
    """Give the signals back that the command blocks."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    yield
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_the_command_prints_how_to_reach_it_serves_and_ends_cleanly(ending):
    with start_command("--port", "0", "--username", "dana", "--token", "t0", "--seed", "3") as process:
        lines = [process.stdout.readline().strip() for _ in range(3)]
        url = lines[0].removeprefix("Inforu sandbox: ")
        try:
            assert lines[1:] == ["username: dana", "token: t0"]
            assert requests.get(f"{url}/_sandbox/settings", timeout=20).json()["seed"] == 3
            quota = requests.post(f"{url}/api/v2/Admin/GetQuota", json={}, auth=("dana", "t0"), timeout=20)
            assert quota.json()["StatusId"] == 1
        finally:
            process.send_signal(ending)
            rest, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")
    assert rest.splitlines()[-1:] == ["Inforu sandbox: stopped"]


def test_a_port_that_is_in_use_is_one_line_and_exit_code_1(sandbox):
    port = sandbox.url.rpartition(":")[2]
    process = start_command("--port", port)
    output, errors = process.communicate(timeout=30)
    assert (process.returncode, output) == (1, "")
    assert errors.startswith(f"inforu sandbox: cannot listen on 127.0.0.1 port {port}: ")
    assert errors.count("\n") == 1


@pytest.mark.usefixtures("signals")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--call-seconds", "-1"], "call_seconds: "),
        (["--notification-url", "receiver"], "notification_url: "),
        (["--port", "70000"], "cannot listen on 127.0.0.1 port 70000"),
        (["--host", "192.0.2.1", "--port", "0"], "cannot listen on 192.0.2.1"),
    ],
)
def test_an_argument_that_cannot_be_is_one_line_and_exit_code_1(capsys, arguments, words):
    assert main(arguments) == 1
    output, errors = capsys.readouterr()
    assert words in errors
    assert (output, errors.count("\n")) == ("", 1)


@pytest.mark.usefixtures("signals")
def test_the_command_serves_on_its_usual_host_until_the_signal_comes(capsys, monkeypatch):
    answers = []

    def ask_before_the_end(_: object) -> None:
        url = capsys.readouterr().out.splitlines()[0].removeprefix("Inforu sandbox: ")
        answers.append((url, requests.get(f"{url}/_sandbox/health", timeout=20).status_code))

    monkeypatch.setattr(signal, "sigwait", ask_before_the_end)
    assert main(["--port", "0", "--requests-per-second", "5"]) == 0
    [(url, status)] = answers
    assert (url.startswith("http://127.0.0.1:"), status) == (True, 200)
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=20)


def test_a_server_of_ones_own_has_the_settings_and_credentials_it_was_given():
    with SandboxServer(username="dana", token="t0", seed=5, call_seconds=0) as server:
        assert server.settings()["seed"] == 5
        response = requests.post(
            f"{server.url}/api/v2/Admin/GetQuota", json={}, auth=("dana", "t0"), timeout=20
        )
        assert response.json()["StatusId"] == 1
        server.update_settings(seed=6)
        server.reset()
        assert server.settings()["seed"] == 5
    with pytest.raises(requests.ConnectionError):
        requests.get(server.url, timeout=20)
    server.close()


def test_a_server_listens_on_ipv6_too():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no IPv6")
    with SandboxServer("::1") as server:
        assert server.url.startswith("http://[::1]:")
        assert requests.get(f"{server.url}/_sandbox/health", timeout=20).ok


def test_a_server_that_refuses_connections_can_be_closed():
    with SandboxServer() as server:
        server.add_fault("refuse", seconds=60)
    with pytest.raises(requests.ConnectionError):
        requests.get(server.url, timeout=20)


def test_a_server_that_was_not_started_says_so():
    with pytest.raises(RuntimeError, match="not started"):
        SandboxServer().add_fault("refuse")


def test_a_setting_that_cannot_be_is_refused_before_anything_starts():
    with pytest.raises(ControlInputError, match="sead: unknown name"):
        SandboxServer(sead=1)


def test_the_connection_is_what_airflow_reads(sandbox):
    connection = {
        "conn_type": "inforu",
        "host": sandbox.url,
        "login": sandbox.username,
        "password": sandbox.token,
    }
    assert json.loads(sandbox.connection_json()) == connection
    with_extra = json.loads(sandbox.connection_json(auth_location="body"))
    assert with_extra == {**connection, "extra": {"auth_location": "body"}}


def test_the_plugin_gives_the_fixture_to_other_projects(tmp_path):
    (tmp_path / "conftest.py").write_text(
        'pytest_plugins = ["airflow_provider_inforu.sandbox.pytest_plugin"]'
    )
    (tmp_path / "test_mine.py").write_text(
        "import requests\n"
        "def test_mine(inforu_sandbox):\n"
        "    assert requests.get(inforu_sandbox.url + '/_sandbox/health', timeout=20).ok\n"
    )
    process = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "--rootdir",
            str(tmp_path),
            str(tmp_path),
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "1 passed" in process.stdout


class TestTheFixture:
    def test_one_test_leaves_things_behind(self, inforu_sandbox):
        inforu_sandbox.update_settings(seed=99)
        inforu_sandbox.add_fault("drop", count=5)
        assert inforu_sandbox.faults() != []

    def test_and_the_next_finds_nothing_of_them(self, inforu_sandbox):
        assert inforu_sandbox.settings()["seed"] == 1
        assert inforu_sandbox.settings()["requests_per_second"] == 30
        assert inforu_sandbox.faults() == []
