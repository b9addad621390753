import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from airflow import plugins_manager
from fastapi import FastAPI

from airflow_provider_inforu.plugins.inforu import InforuPlugin

ROOT = Path(__file__).parents[3]


@pytest.fixture
def options(monkeypatch, tmp_path):
    """Set options of the section inforu; the database is a file that nobody has made."""

    def set_options(**values):
        for name, value in values.items():
            monkeypatch.setenv(f"AIRFLOW__INFORU__{name.upper()}", value)

    set_options(receiver_database=f"sqlite:///{tmp_path / 'receiver.db'}")
    return set_options


def test_airflow_finds_the_plugin_by_its_entry_point():
    (found,) = entry_points(group="airflow.plugins", name="inforu")
    assert found.load() is InforuPlugin
    assert "inforu" in [plugin.name for plugin in plugins_manager._get_plugins()[0]]


def test_nothing_is_mounted_unless_the_administrator_wants_it(options, tmp_path):
    assert InforuPlugin().fastapi_apps == []
    options(receiver_enabled="False")
    assert InforuPlugin().fastapi_apps == []
    assert list(tmp_path.iterdir()) == []


def test_the_receiver_is_built_once_and_touches_its_database_only_when_it_serves(options, tmp_path, caplog):
    caplog.set_level("INFO")
    options(receiver_enabled="True")
    plugin = InforuPlugin()
    (mounted,) = plugin.fastapi_apps
    assert [one.getMessage() for one in caplog.records if "mounted" in one.getMessage()] == [
        "Inforu receiver is mounted at /inforu"
    ]
    assert (mounted["url_prefix"], mounted["name"]) == ("/inforu", "Inforu receiver")
    assert isinstance(mounted["app"], FastAPI)
    assert plugin.fastapi_apps[0]["app"] is mounted["app"]
    assert "/v1/{conn_id}/notifications" in mounted["app"].openapi()["paths"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("receiver_enabled", "maybe"),
        ("receiver_database", "no-url-but-a-secret"),
        ("receiver_allowed_addresses", "192.0.2.0/24, everybody"),
        ("receiver_max_body_bytes", "0"),
        ("receiver_max_body_bytes", "much"),
        ("receiver_store_phones", "perhaps"),
    ],
)
def test_a_wrong_option_is_named_and_does_not_stop_the_api_server(options, caplog, option, value):
    options(**{"receiver_enabled": "True", option: value})
    assert InforuPlugin().fastapi_apps == []
    (record,) = [one for one in caplog.records if "is not mounted" in one.getMessage()]
    assert option in record.getMessage()
    assert "no-url-but-a-secret" not in record.getMessage()


@pytest.mark.long
def test_loading_the_plugin_costs_other_components_nothing():
    code = """
import sys, airflow.sdk
from airflow_provider_inforu._compat import AirflowPlugin
before = set(sys.modules)
from airflow_provider_inforu.plugins.inforu import InforuPlugin
plugin = InforuPlugin()
assert plugin.fastapi_apps == []
print(*(set(sys.modules) - before))
"""
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT)
    added = {name for name in run.stdout.split() if not name.startswith("airflow_provider_inforu.plugins")}
    heavy = {"fastapi", "sqlalchemy", "alembic", "uvicorn", "pydantic", "requests", "starlette"}
    assert {name.split(".")[0] for name in added} & heavy == set()
    assert "airflow_provider_inforu.receiver" not in added
