"""`python -m demo.run`, as `make demo` calls it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psutil
import pytest

from demo.processes import PATIENCE_SECONDS, processes_in
from tests.integration.conftest import PROJECT
from tests.integration.test_example_dags import appointments

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.integration

DEMO_SECONDS = 500.0
# The sandbox and Airflow's four components.
SERVICES = 5
# What another Airflow of the same user has in its environment.
FOREIGN = {
    "AIRFLOW_HOME": "/nonexistent",
    "AIRFLOW__CORE__EXECUTOR": "NoSuchExecutor",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql+psycopg2://nobody@127.0.0.1:1/nowhere",
    "AIRFLOW_CONN_INFORU_DEFAULT": "inforu://nobody:nothing@127.0.0.1:1",
}


@dataclass
class Demo:
    """A demo that has ended: its exit code, what it printed, and the sessions it had started."""

    code: int
    output: str
    sessions: set[int] = field(default_factory=set)


def run_demo(home: Path, interrupt: Callable[[str], bool] = lambda _: False) -> Demo:
    """Run the demo to its end; press Ctrl-C once `interrupt` holds for what it has printed."""
    output = home.parent / "output.txt"
    sessions: set[int] = set()
    with output.open("w") as out:
        demo = subprocess.Popen(
            [sys.executable, "-m", "demo.run", "--home", str(home)],
            cwd=PROJECT,
            env={**os.environ, **FOREIGN, "KEEP": "", "PYTHONUNBUFFERED": "1"},
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            deadline = time.monotonic() + DEMO_SECONDS
            interrupted = False
            while demo.poll() is None and time.monotonic() < deadline:
                sessions |= sessions_below(demo.pid)
                if not interrupted and len(sessions) > SERVICES and interrupt(output.read_text("utf-8")):
                    demo.send_signal(signal.SIGINT)
                    interrupted = True
                time.sleep(0.1)
        finally:
            if demo.poll() is None:
                demo.terminate()
        code = demo.wait(timeout=PATIENCE_SECONDS)
    return Demo(code, output.read_text("utf-8"), sessions)


def sessions_below(pid: int) -> set[int]:
    with contextlib.suppress(psutil.Error, OSError):
        return {os.getsid(child.pid) for child in psutil.Process(pid).children(recursive=True)} - {pid}
    return set()


def assert_nothing_is_left_of(demo: Demo) -> None:
    assert len(demo.sessions) >= SERVICES
    assert processes_in(demo.sessions) == []


def test_the_demo_prints_an_outcome_for_each_person_twice_in_a_row_and_leaves_nothing_running(
    tmp_path: Path,
) -> None:
    for _ in range(2):
        demo = run_demo(tmp_path / "home")

        assert demo.code == 0, demo.output
        for row in appointments():
            (line,) = [one for one in demo.output.splitlines() if one.startswith(row["appointment_id"])]
            assert row["name"] in line
            assert line.endswith((")", "Answered", "NoAnswer", "Busy"))
        assert "5000000" not in demo.output
        assert_nothing_is_left_of(demo)


def test_a_demo_that_is_interrupted_stops_what_it_started(tmp_path: Path) -> None:
    demo = run_demo(tmp_path / "home", interrupt=lambda output: "starting Airflow" in output)

    assert demo.code == 130, demo.output
    assert_nothing_is_left_of(demo)
