"""``python -m airflow_provider_inforu.sandbox``: the sandbox on the command line."""

from __future__ import annotations

import argparse
import signal
import sys
from typing import TYPE_CHECKING

from airflow_provider_inforu.sandbox.control_input import ControlInputError
from airflow_provider_inforu.sandbox.server import SandboxServer

if TYPE_CHECKING:
    from collections.abc import Sequence

_END = {signal.SIGINT, signal.SIGTERM}


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM, and return the exit code.

    :param arguments: Default: those of the command line.
    """
    given = vars(_parser().parse_args(arguments))
    # Blocked before any thread exists, so that the signals wait for sigwait and reach no thread.
    signal.pthread_sigmask(signal.SIG_BLOCK, _END)
    try:
        server = SandboxServer(**given)
        server.start()
    except ControlInputError as error:
        return _fail(str(error))
    except (OSError, OverflowError) as error:
        return _fail(f"cannot listen on {given['host']} port {given['port']}: {error}")
    sys.stdout.write(
        f"Inforu sandbox: {server.url}\nusername: {server.username}\ntoken: {server.token}\n"
        "It answers like the vendor and calls nobody. Ctrl+C ends it.\n"
    )
    sys.stdout.flush()
    signal.sigwait(_END)
    server.close()
    return 0


def _fail(message: str) -> int:
    sys.stderr.write(f"inforu sandbox: {message}\n")
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_inforu.sandbox",
        description="A server that answers like the Inforu voice API and calls nobody.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on")
    add("--port", type=int, default=8765, help="port to listen on; 0 takes a free one")
    add("--username", default="sandbox", help="user name of the account")
    add("--token", default="sandbox-token", help="API token of the account")
    add("--seed", type=int, default=1, help="decides the outcomes that are left to chance")
    add("--call-seconds", type=float, default=1.0, help="how long a call lasts")
    add("--requests-per-second", type=int, default=30, help="rate limit of the account; 0 for none")
    add("--notification-url", help="where the end of each call is pushed to")
    return parser


if __name__ == "__main__":
    sys.exit(main())
