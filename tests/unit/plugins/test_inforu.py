import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from airflow import plugins_manager
from fastapi import FastAPI

from airflow_provider_inforu import _compat
from airflow_provider_inforu.plugins.inforu import InforuPlugin

ROOT = Path(__file__).parents[3]


@pytest.fixture
def options(monkeypatch, tmp_path):
    """Set options of the section inforu; the database is a file that nobody has made."""

    def set_options(**values):
        for name, value in values.items():
            monkeypatch.setenv(f"AIRFLOW__INFORU__{name.upper()}", value)

    set_options(receiver_database=f"sqlite:///{tmp_path / 'receiver.db'}", ui_enabled="False")
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


def test_the_page_of_calls_is_mounted_and_in_the_menu_by_default(options, tmp_path, monkeypatch):
    options(ui_enabled="True")
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example/below/")
    plugin = InforuPlugin()
    (mounted,) = plugin.fastapi_apps
    assert (mounted["url_prefix"], mounted["name"]) == ("/inforu-calls", "Inforu calls")
    (view,) = plugin.external_views
    assert view["href"] == "/below/inforu-calls/"
    assert (view["destination"], view["category"], view["url_route"]) == ("nav", "browse", "inforu-calls")
    assert list(tmp_path.iterdir()) == []


def test_the_page_of_calls_can_be_turned_off(options):
    options(ui_enabled="False")
    assert InforuPlugin().fastapi_apps == []
    assert InforuPlugin().external_views == []


@pytest.mark.parametrize(
    ("version", "is_shown"), [((3, 0, 6), False), ((3, 1, 0), False), ((3, 1, 1), True), ((3, 2, 0), True)]
)
def test_the_page_of_calls_needs_an_airflow_that_knows_its_users(monkeypatch, version, is_shown):
    monkeypatch.setattr(_compat, "AIRFLOW_VERSION", version)
    assert bool(InforuPlugin().external_views) is is_shown


def test_a_broken_page_does_not_take_the_receiver_or_the_api_server_down(options, monkeypatch, caplog):
    options(receiver_enabled="True", ui_enabled="True")

    def fail(_):
        raise RuntimeError("broken")

    monkeypatch.setattr("airflow_provider_inforu.ui.mounting.create_app", fail)
    assert [one["name"] for one in InforuPlugin().fastapi_apps] == ["Inforu receiver"]
    assert "The page of Inforu calls is not mounted: broken" in caplog.text


def test_a_wrong_value_of_ui_enabled_stops_neither(options, caplog):
    options(receiver_enabled="True", ui_enabled="maybe")
    plugin = InforuPlugin()
    assert [one["name"] for one in plugin.fastapi_apps] == ["Inforu receiver"]
    assert plugin.external_views == []
    assert "ui_enabled" in caplog.text


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
    environment = {**os.environ, "AIRFLOW__INFORU__UI_ENABLED": "False"}
    run = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT, env=environment
    )
    added = {name for name in run.stdout.split() if not name.startswith("airflow_provider_inforu.plugins")}
    heavy = {"fastapi", "sqlalchemy", "alembic", "uvicorn", "pydantic", "requests", "starlette"}
    assert {name.split(".")[0] for name in added} & heavy == set()
    assert "airflow_provider_inforu.receiver" not in added
