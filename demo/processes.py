"""Start programs that write to a log file, and stop them with everything they started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import psutil  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

TERM_SECONDS = 5.0
KILL_SECONDS = 5.0
POLL_SECONDS = 0.1
PATIENCE_SECONDS = 300.0
"""For what takes seconds, on a machine that is slow and busy: its speed is no behaviour of ours."""


class ServiceError(RuntimeError):
    """A program ended early or did not become ready; the message holds the end of its log."""


class Service:
    """One program in a session of its own, so that a Ctrl-C in the terminal reaches only its starter.

    Its output goes to `log_path`.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log_path: Path,
        environment: Mapping[str, str],
        folder: Path,
    ) -> None:
        self.name = name
        self.log_path = log_path
        self._command = list(command)
        self._environment = dict(environment)
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._sessions: set[int] = set()

    def start(self) -> None:
        """Start the program, perhaps again after its end; its log goes on."""
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment,
                cwd=self._folder,
                start_new_session=True,
            )
        self._sessions.add(self._process.pid)

    @property
    def pid(self) -> int | None:
        """The program's process; none before the start."""
        return self._process.pid if self._process else None

    @property
    def sessions(self) -> frozenset[int]:
        """The sessions that hold the program and everything it started, at each of its starts."""
        return frozenset(self._sessions)

    def kill(self) -> None:
        """Kill the program alone: what it had started lives on."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def exit_code(self) -> int | None:
        """Return the code that the program ended with; none while it runs or was not started."""
        return self._process.poll() if self._process else None

    def log_tail(self, lines: int = 25) -> str:
        """Return the last lines that the program wrote."""
        if not self.log_path.exists():
            return ""
        return "\n".join(self.log_path.read_text("utf-8", errors="replace").splitlines()[-lines:])

    def failure(self, what: str) -> ServiceError:
        """Return an error that says what went wrong and shows the end of the log."""
        return ServiceError(f"{self.name} {what}. The end of {self.log_path}:\n{self.log_tail()}")

    def check_running(self) -> None:
        """Raise when the program ended although nobody stopped it."""
        if (code := self.exit_code()) is not None:
            raise self.failure(f"ended with exit code {code}")

    def finish(self) -> None:
        """Wait until the program ends by itself; raise when it fails or takes far too long."""
        if not wait_until(lambda: self.exit_code() is not None):
            raise self.failure(f"took longer than {PATIENCE_SECONDS:g} s")
        if self.exit_code() != 0:
            self.check_running()


def stop_services(services: Sequence[Service]) -> None:
    """Stop the programs and all they started: asked first, killed after a bound."""
    sessions = {session for service in services for session in service.sessions}
    try:
        _end(sessions, signal.SIGTERM, TERM_SECONDS)
    finally:
        # Also when an impatient Ctrl-C ended the wait.
        _end(sessions, signal.SIGKILL, KILL_SECONDS)
        for service in services:
            service.exit_code()


def processes_in(sessions: Iterable[int]) -> list[int]:
    """Return the living processes of these sessions, whatever process groups they moved to."""
    wanted = set(sessions)
    return [pid for pid in psutil.pids() if _session_of(pid) in wanted and _is_alive(pid)]


def wait_until(condition: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> bool:
    """Wait until the condition holds; say whether it did within the time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _session_of(pid: int) -> int | None:
    # Never 0: it would stand for our own session.
    if pid > 0:
        with contextlib.suppress(OSError):
            return os.getsid(pid)
    return None


def _is_alive(pid: int) -> bool:
    with contextlib.suppress(psutil.Error):
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    return False


def _end(sessions: Iterable[int], number: signal.Signals, seconds: float) -> None:
    for pid in processes_in(sessions):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
    wait_until(lambda: not processes_in(sessions), seconds)
