"""The provider as Airflow sees it: its metadata, its wheel, and what importing it costs."""

import ast
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import import_module
from importlib.metadata import entry_points, packages_distributions
from importlib.resources import files
from itertools import chain
from pathlib import Path

import jsonschema
import pytest
from airflow.providers_manager import ProvidersManager
from airflow.sdk.providers_manager_runtime import ProvidersManagerTaskRuntime

from airflow_provider_inforu import _compat
from airflow_provider_inforu.get_provider_info import get_provider_info
from airflow_provider_inforu.hooks.inforu import InforuHook

ROOT = Path(__file__).parents[2]
INFO = get_provider_info()


def validator(name):
    schema = json.loads(files("airflow").joinpath(name).read_text())
    return jsonschema.validators.validator_for(schema)(schema)


def test_the_metadata_fit_airflows_runtime_schema():
    assert list(validator("provider_info.schema.json").iter_errors(INFO)) == []


def test_the_metadata_fit_airflows_schema_for_what_providers_declare():
    declared = {
        **INFO,
        "state": "ready",
        "lifecycle": "production",
        "source-date-epoch": 1,
        "versions": ["0.1.0"],
    }
    assert list(validator("provider.yaml.schema.json").iter_errors(declared)) == []


def test_airflow_finds_the_provider_by_its_entry_point():
    (found,) = entry_points(group="apache_airflow_provider", name="provider_info").select(
        value="airflow_provider_inforu.get_provider_info:get_provider_info"
    )
    assert found.load()() == INFO
    assert "airflow-provider-inforu" in ProvidersManager().providers


def test_airflow_makes_the_hook_of_a_connection(connection):
    connection()
    info = ProvidersManagerTaskRuntime().hooks["inforu"]
    assert (info.hook_name, info.connection_id_attribute_name) == ("Inforu", InforuHook.conn_name_attr)
    assert isinstance(InforuHook.get_hook("inforu_default"), InforuHook)


@pytest.mark.parametrize("kind", ["hooks", "operators", "sensors", "triggers"])
def test_every_module_that_the_metadata_name_can_be_imported(kind):
    for entry in INFO[kind]:
        for module in entry["python-modules"]:
            __import__(module)
            assert module in sys.modules


def test_every_transfer_that_the_metadata_name_can_be_imported_between_integrations_that_there_are():
    integrations = {
        one["integration-name"]
        for provider in ProvidersManager().providers.values()
        for one in provider.data.get("integrations", [])
    }
    for entry in INFO["transfers"]:
        assert import_module(entry["python-module"]).SqlToInforuVoiceOperator
        assert {entry["source-integration-name"], entry["target-integration-name"]} <= integrations


def test_every_notifier_and_decorator_that_the_metadata_name_can_be_imported():
    for path in [*INFO["notifications"], *(one["class-name"] for one in INFO["task-decorators"])]:
        module, _, name = path.rpartition(".")
        assert getattr(import_module(module), name)


def test_every_command_function_that_the_metadata_name_returns_commands():
    for path in INFO["cli"]:
        module, _, name = path.rpartition(".")
        assert [command.name for command in getattr(import_module(module), name)()] == ["inforu"]


def imported_by(statement):
    code = f"import sys; {statement}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT)
    return set(run.stdout.split())


def test_the_metadata_are_read_without_importing_airflow():
    imported = imported_by(
        "from airflow_provider_inforu.get_provider_info import get_provider_info as g; g()"
    )
    assert not {name for name in imported if name.split(".")[0] in ("airflow", "requests", "fastapi")}


def test_importing_what_a_dag_file_imports_loads_nothing_heavy_on_top_of_airflow():
    airflow = ["sensor", "notifier", "decorator"]
    ours = ["operators.voice", "sensors.voice", "triggers.voice", "triggers.events", "notifications.voice"]
    ours += ["transfers.sql_to_voice", "decorators.voice"]
    modules = ", ".join(f"airflow_provider_inforu.{name}" for name in ours)
    added = imported_by(
        "from airflow.sdk import BaseOperator, BaseHook; import airflow.triggers.base, "
        f"{', '.join(f'airflow.sdk.bases.{name}' for name in airflow)}; "
        f"before = set(sys.modules); import {modules}; [sys.modules.pop(name) for name in before - {{'sys'}}]"
    )
    heavy = {
        "requests",
        "urllib3",
        "phonenumbers",
        "fastapi",
        "sqlalchemy",
        "uvicorn",
        "pydantic",
        "pyarrow",
    }
    assert {f"airflow_provider_inforu.{name}" for name in ours} <= added
    assert {name.split(".")[0] for name in added} & heavy == set()


@pytest.mark.long
def test_importing_compat_loads_nothing_on_top_of_airflow():
    added = imported_by(
        "from airflow.sdk import BaseOperator, BaseHook; before = set(sys.modules); "
        "import airflow_provider_inforu._compat; [sys.modules.pop(name) for name in before - {'sys'}]"
    )
    assert added - {"sys", "airflow_provider_inforu"} == {"airflow_provider_inforu._compat"}


@pytest.mark.parametrize("name", sorted(_compat._MOVED))
def test_this_airflow_has_every_moved_name_at_its_current_place(name):
    _, place, _ = _compat._MOVED[name]
    assert getattr(_compat, name) is getattr(import_module(place), name)


def test_compat_has_no_other_names():
    with pytest.raises(AttributeError, match="no attribute 'Dag'"):
        _compat.Dag  # noqa: B018


NEVER_DECLARED = {
    "pytest",  # who imports the plugin of the sandbox runs it
    "wtforms",  # Airflow 3.0 and 3.1 build the connection form with it, and bring it where they do
}


def imported_distributions():
    known = packages_distributions()
    for path in (ROOT / "airflow_provider_inforu").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            modules = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            for module in modules:
                top = module.partition(".")[0]
                if module.startswith("airflow.providers."):
                    yield f"apache-airflow-providers-{module.split('.')[2]}"
                elif top == "airflow":
                    yield "apache-airflow"
                elif top not in sys.stdlib_module_names and top != "airflow_provider_inforu":
                    yield known[top][0].lower().replace("_", "-")


def test_the_dependencies_are_exactly_the_packages_that_the_provider_imports():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    declared = chain(project["dependencies"], *project["optional-dependencies"].values())
    assert {re.match(r"[\w-]+", one)[0] for one in declared} == (
        set(imported_distributions()) - NEVER_DECLARED
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        check=True,
        capture_output=True,
        cwd=ROOT,
    )
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        yield archive


def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(wheel):
    package = ROOT / "airflow_provider_inforu"
    ours = {
        str(path.relative_to(ROOT))
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert packed == ours
    assert "airflow_provider_inforu/py.typed" in packed
    assert "airflow_provider_inforu/sandbox/page.html" in packed


def test_the_wheels_metadata_name_the_licence_the_entry_point_and_the_framework(wheel):
    info = {
        name.split("/", 1)[1]: wheel.read(name).decode() for name in wheel.namelist() if ".dist-info/" in name
    }
    assert "License-Expression: Apache-2.0" in info["METADATA"]
    assert "Classifier: Framework :: Apache Airflow :: Provider" in info["METADATA"]
    assert "Requires-Python: >=3.11" in info["METADATA"]
    assert "[apache_airflow_provider]" in info["entry_points.txt"]
    assert "Apache License" in info["licenses/LICENSE"]
