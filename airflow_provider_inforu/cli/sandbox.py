"""``airflow inforu sandbox``: the same server as ``python -m airflow_provider_inforu.sandbox``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_inforu.cli.cli_errors import handle_cli_errors

if TYPE_CHECKING:
    from argparse import Namespace


@handle_cli_errors("the sandbox cannot run")
def serve(args: Namespace) -> None:
    """Run the sandbox until SIGINT or SIGTERM.

    :param args: The arguments of the sandbox's own command line.
    """
    from airflow_provider_inforu.sandbox.__main__ import serve as serve_sandbox
    from airflow_provider_inforu.sandbox.options import OPTIONS

    names = [flag.removeprefix("--").replace("-", "_") for flag in OPTIONS]
    if code := serve_sandbox(**{name: getattr(args, name) for name in names}):
        raise SystemExit(code)
