"""A server that stands in for the vendor and calls nobody: to try a DAG without an account, and to test.

Start it with ``python -m airflow_provider_inforu.sandbox``, or from Python with :class:`SandboxServer`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_inforu.sandbox.sandbox_server import SandboxServer

__all__ = ["SandboxServer"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module's attribute
    """Import the server when it is asked for: every ``airflow`` command reads the options in this package."""
    if name == "SandboxServer":
        from airflow_provider_inforu.sandbox.sandbox_server import SandboxServer

        return SandboxServer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
