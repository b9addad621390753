"""A server that answers like the vendor and calls nobody, for trying DAGs without an account and for tests.

Start it with ``python -m airflow_provider_inforu.sandbox``, or from Python with :class:`SandboxServer`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_inforu.sandbox.sandbox_server import SandboxServer

__all__ = ["SandboxServer"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module's attribute
    """Import the server on first use, because every ``airflow`` command imports this package."""
    if name == "SandboxServer":
        from airflow_provider_inforu.sandbox.sandbox_server import SandboxServer

        return SandboxServer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
