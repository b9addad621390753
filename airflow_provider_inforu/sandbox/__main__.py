"""The command line of the sandbox: ``python -m airflow_provider_inforu.sandbox``."""

from __future__ import annotations

import argparse
import signal
import sys
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.sandbox.control_input import ControlInputError
from airflow_provider_inforu.sandbox.options import OPTIONS
from airflow_provider_inforu.sandbox.sandbox_server import SandboxServer

if TYPE_CHECKING:
    from collections.abc import Sequence

_END = {signal.SIGINT, signal.SIGTERM}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the sandbox until SIGINT or SIGTERM, and return the exit code.

    :param arguments: The arguments; None (default) uses those of the command line.
    """
    return serve(**vars(_parser().parse_args(arguments)))


def serve(**given: Any) -> int:  # noqa: ANN401 - as the options have it
    """Run the sandbox until SIGINT or SIGTERM, and return the exit code.

    :param given: The arguments by name, as `OPTIONS` defines them.
    """
    # Blocked before any thread exists, so that only sigwait receives the signals.
    signal.pthread_sigmask(signal.SIG_BLOCK, _END)
    try:
        server = SandboxServer(**given)
        server.start()
    except ControlInputError as error:
        return _fail(str(error))
    except (OSError, OverflowError) as error:
        return _fail(
            f"cannot listen on {given['host']} port {given['port']}: {error}. Choose another --port or --host"
        )
    sys.stdout.write(
        f"Inforu sandbox: {server.url}\nusername: {server.username}\ntoken: {server.token}\n"
        "The sandbox answers like the vendor and calls nobody. Press Ctrl+C to stop.\n"
    )
    sys.stdout.flush()
    signal.sigwait(_END)
    server.close()
    sys.stdout.write("Inforu sandbox: stopped\n")
    sys.stdout.flush()
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
    for flag, options in OPTIONS.items():
        parser.add_argument(flag, **options)
    return parser


if __name__ == "__main__":
    sys.exit(main())
