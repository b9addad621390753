"""`python -m demo.run`: phone the people of an example DAG through the sandbox, on a real Airflow."""

from __future__ import annotations

import argparse
import fcntl
import io
import json
import os
import shutil
import signal
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from demo.airflow_environment import StackPorts, StackSettings
from demo.airflow_stack import AirflowStack
from demo.invoices import connection_of_invoices
from demo.outcomes import print_table
from demo.receiver import CONNECTION_ID, VARIABLES, StackReceiver
from demo.reminders import DemoError, Progress, read_outcomes, run_dag
from demo.sandbox_process import SandboxProcess

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PROJECT = Path(__file__).resolve().parent.parent
CALL_SECONDS = 1.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m demo.run", description=__doc__)
    parser.add_argument("--home", type=Path, default=PROJECT / ".demo", help="emptied at each start")
    home = parser.parse_args(arguments).home.resolve()
    keep = os.environ.get("KEEP", "") not in {"", "0"}
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that cannot show Hebrew is no reason to stop.
        sys.stdout.reconfigure(errors="replace")
    # A plain `kill` and a closed terminal must also stop what was started; so must Ctrl-C where the shell
    # made us ignore it.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        with emptied(home):
            run_demo(home, keep=keep)
    except (RuntimeError, OSError) as error:
        print(f"The demo failed: {error}", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        print("Stopped.", flush=True)
        return 0 if keep else 130
    return 0


def run_demo(home: Path, *, keep: bool) -> None:
    """Start everything, run the DAG, print the outcomes, and stop everything again."""
    progress = Progress()
    with ExitStack() as running:
        progress.say("starting the sandbox")
        sandbox = running.enter_context(SandboxProcess(home, dict(os.environ), call_seconds=CALL_SECONDS))
        progress.say(f"starting Airflow in {home}, with the receiver of notifications")
        ports = StackPorts.free()
        receiver = StackReceiver(ports)
        settings = StackSettings(
            home=home,
            dags_folder=PROJECT / "example_dags",
            connections={
                CONNECTION_ID: json.dumps(receiver.connection(sandbox)),
                **connection_of_invoices(home),
            },
            variables=VARIABLES,
        )
        airflow = running.enter_context(AirflowStack(settings, ports))
        sandbox.change_settings(notification_url=receiver.push_url)
        progress.say("Airflow's API server, scheduler, DAG processor and triggerer are healthy")
        sends = run_dag(airflow.api, progress)
        outcomes = read_outcomes(sandbox, receiver.client(), sends)
        print(flush=True)
        print_table(outcomes, sys.stdout)
        print(flush=True)
        if keep:
            _wait_for_ctrl_c(airflow.url, sandbox.url)
        progress.say("stopping everything")
    again = sum(one.again is not None for one in outcomes)
    progress.say(
        f"done: {len(outcomes)} people were called, {again} of them twice, since they had not answered"
    )


@contextmanager
def emptied(home: Path) -> Iterator[None]:
    """Hold the folder, empty, against another demo at the same time."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoError(f"another demo runs in {home}; stop it, or use --home") from None
        for entry in home.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            elif entry.name != "lock":
                entry.unlink()
        yield


def _wait_for_ctrl_c(airflow_url: str, sandbox_url: str) -> None:
    print(f"Airflow: {airflow_url}\nInforu calls: {airflow_url}/plugin/inforu-calls", flush=True)
    print(f"Sandbox: {sandbox_url}\nCtrl-C stops both.", flush=True)
    while True:
        time.sleep(1)


if __name__ == "__main__":
    sys.exit(main())
