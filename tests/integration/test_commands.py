"""The `airflow inforu` commands beside a real Airflow: its API, its database, the sandbox."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import requests

from tests.integration.ground import ON_SQLITE

if TYPE_CHECKING:
    from tests.integration.ground import Ground

pytestmark = [pytest.mark.integration, ON_SQLITE]


def airflow(ground: Ground, *arguments: str, code: int = 0) -> str:
    """Run a command beside the stack, and return its stdout."""
    ended = subprocess.run(
        [sys.executable, "-m", "airflow", *arguments],
        check=False,
        env=ground.airflow.environment,
        text=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )
    print(f"$ airflow {' '.join(arguments)}\n{ended.stdout}{ended.stderr}[{ended.returncode}]")
    assert ended.returncode == code, ended.stderr
    assert "Traceback" not in ended.stderr
    return ended.stdout


def test_the_sends_of_a_dag_are_listed_through_airflows_api(fresh_ground: Ground) -> None:
    run = fresh_ground.run("careful_sends")
    manifest = fresh_ground.manifest(run)
    # Other tests run the same DAG on this Airflow.
    sends = json.loads(airflow(fresh_ground, "inforu", "sends", "list", run.dag_id, "-o", "json"))
    (send,) = [one for one in sends if one["run_id"] == run.run_id]
    assert (send["task_id"], send["state"]) == ("call", "success")
    assert (send["send_id"], send["recipients"], send["attempts"]) == (manifest["send_id"], 3, 1)
    assert send["batches"] == {"accepted": 1, "rejected": 0, "in_doubt": 0, "not_sent": 0}
    assert manifest["send_id"] in airflow(fresh_ground, "inforu", "sends", "list", run.dag_id)
    airflow(fresh_ground, "inforu", "sends", "list", "no_such_dag", code=1)
    airflow(fresh_ground, "inforu", "sends", "list", code=2)
    nothing = airflow(fresh_ground, "inforu", "sends", "list", run.dag_id, "--task-id", "people")
    assert "No matching task instance" in nothing


def test_a_connection_in_airflows_database_is_checked_and_calls(fresh_ground: Ground) -> None:
    sandbox = json.dumps(fresh_ground.sandbox.connection())
    airflow(fresh_ground, "connections", "add", "inforu_stored", "--conn-json", sandbox)
    stored = ("--conn-id", "inforu_stored")
    airflow(fresh_ground, "inforu", "check", "--conn-id", "inforu_absent", code=1)
    assert "Connected to" in airflow(fresh_ground, "inforu", "check", *stored)
    assert "and accepts the notification secret" in airflow(fresh_ground, "inforu", "check")
    assert "5000000" in airflow(fresh_ground, "inforu", "quota", *stored)
    said = airflow(fresh_ground, "inforu", "call", "0500000001", "This is a test.", "--yes", *stored)
    assert "Accepted" in said
    assert "0500000001" not in said
    assert [call["phone"] for call in fresh_ground.sandbox.calls()] == ["0500000001"]


def test_one_command_sets_up_the_receiver_of_a_stored_connection(fresh_ground: Ground) -> None:
    sandbox, receiver = json.dumps(fresh_ground.sandbox.connection()), fresh_ground.receiver
    assert receiver
    airflow(fresh_ground, "connections", "add", "inforu_receiving", "--conn-json", sandbox)
    of_it = ("--conn-id", "inforu_receiving")
    assert "airflow inforu receiver setup" in airflow(fresh_ground, "inforu", "check", *of_it)
    airflow(fresh_ground, "inforu", "receiver", "setup", *of_it, code=2)  # base_url is local

    said = airflow(fresh_ground, "inforu", "receiver", "setup", "--url", receiver.url, *of_it)

    assert "[inforu] receiver_enabled is set" in said
    checked = airflow(fresh_ground, "inforu", "check", *of_it)
    assert f"{receiver.url} answers, and accepts the notification secret" in checked
    assert "has never stored a push for the connection 'inforu_receiving'" in checked
    (address,) = re.findall(r"^http://\S+\?secret=\w+$", said, re.MULTILINE)
    assert requests.post(address, json={"Data": []}, timeout=60).status_code == 200
    stored = "stored the last push for the connection 'inforu_receiving' at"
    assert stored in airflow(fresh_ground, "inforu", "check", *of_it)

    assert receiver.push_url in airflow(fresh_ground, "inforu", "receiver", "setup")
