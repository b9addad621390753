"""What all tests share: an Airflow home of their own, the sandbox, and patience with a slow machine."""

import os
import tempfile

import pytest
from hypothesis import HealthCheck, settings

# Before the first import of Airflow, which reads it then.
_home = tempfile.TemporaryDirectory(prefix="inforu-tests-")
os.environ["AIRFLOW_HOME"] = _home.name
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"

pytest_plugins = ["airflow_provider_inforu.sandbox.pytest_plugin", "tests.receiver"]

# The machine's speed is no behaviour of ours.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("default")


@pytest.fixture
def connection(inforu_sandbox, monkeypatch):
    """Set the connection ``inforu_default`` to the sandbox, with the extras that are given."""

    def connect(**extra):
        monkeypatch.setenv("AIRFLOW_CONN_INFORU_DEFAULT", inforu_sandbox.connection_json(**extra))
        return inforu_sandbox

    connect()
    return connect


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config, items):
    """Keep the tests of one real Airflow in one process, where `make test` runs several.

    These take longest, so they begin first.
    """
    for item in items:
        if item.get_closest_marker("integration"):
            parameters = getattr(item, "callspec", None) and item.callspec.params
            group = (parameters or {}).get("ground") or item.path.name
            item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: item.get_closest_marker("integration") is None)
    yield
    if getattr(config.option, "loadgroup", False):
        # Else every process starts every Airflow, and nothing but the time that it takes says so.
        lost = [item for item in items if item.get_closest_marker("xdist_group") and "@" not in item.nodeid]
        assert not lost, "pytest-xdist does not keep these tests in one process"
