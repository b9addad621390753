"""Fixtures for tests of your own DAGs and hooks.

.. code-block:: python

    pytest_plugins = ["airflow_provider_inforu.sandbox.pytest_plugin"]


    def test_everyone_is_called(inforu_sandbox, monkeypatch):
        monkeypatch.setenv("AIRFLOW_CONN_INFORU_DEFAULT", inforu_sandbox.connection_json())
        ...
        assert [call["phone"] for call in inforu_sandbox.calls()] == ["0500000001"]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider_inforu.sandbox.sandbox_server import SandboxServer

if TYPE_CHECKING:
    from collections.abc import Iterator

_CALL_SECONDS = 0.1


@pytest.fixture(scope="session")
def inforu_sandbox_server() -> Iterator[SandboxServer]:
    """Yield one running sandbox for the whole session. Tests use :func:`inforu_sandbox`."""
    with SandboxServer(call_seconds=_CALL_SECONDS) as server:
        yield server


@pytest.fixture
def inforu_sandbox(inforu_sandbox_server: SandboxServer) -> Iterator[SandboxServer]:
    """Yield a running sandbox without data of other tests. Its calls end after 0.1 seconds."""
    inforu_sandbox_server.reset()
    yield inforu_sandbox_server
    inforu_sandbox_server.reset()
