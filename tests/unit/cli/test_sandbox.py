"""`airflow inforu sandbox`."""

import re
import signal
import socket
import subprocess
import sys

import pytest
import requests


@pytest.mark.parametrize("command", [("airflow", "inforu", "sandbox"), ("airflow_provider_inforu.sandbox",)])
def test_the_sandbox_runs_until_it_is_told_to_end(command):
    arguments = [sys.executable, "-m", *command, "--port", "0", "--username", "somebody"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        url = re.match(r"Inforu sandbox: (http://127.0.0.1:\d+)$", process.stdout.readline())[1]
        health = requests.get(f"{url}/_sandbox/health", timeout=30)
        process.send_signal(signal.SIGTERM)
        output = process.stdout.read()
    assert (process.returncode, health.json()["username"]) == (0, "somebody")
    assert "calls nobody" in output


@pytest.fixture
def unblocked_signals():
    yield
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})


@pytest.mark.usefixtures("unblocked_signals")
def test_a_port_in_use_and_a_setting_that_cannot_be_are_one_line(inforu):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, _, err = inforu("sandbox", "--port", port)
    assert (code, err.count("\n"), f"port {port}" in err) == (1, 1, True)
    code, _, err = inforu("sandbox", "--port", "0", "--call-seconds", "-1")
    assert (code, err.count("\n"), "call_seconds" in err) == (1, 1, True)
