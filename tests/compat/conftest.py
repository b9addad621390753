"""Earlier Airflows, each from an environment that `make compat` makes, beside one sandbox."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from demo.airflow_environment import StackPorts, StackSettings
from demo.airflow_stack import AirflowStack
from demo.receiver import CONNECTION_ID, VARIABLES, StackReceiver
from demo.sandbox_process import SandboxProcess
from tests.compat.old_airflow import EXAMPLES, LEDGER_VARIABLE, NEED_NEWER, PROJECT, STATUS, OldAirflow
from tests.integration.ground import skip_unless_required

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSIONS = ("3.0", "3.1", "3.2")


@pytest.fixture(scope="session")
def sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    with SandboxProcess(tmp_path_factory.mktemp("sandbox"), dict(os.environ), call_seconds=0.2) as sandbox:
        yield sandbox


@pytest.fixture(scope="session", params=VERSIONS)
def old_airflow(
    request: pytest.FixtureRequest, sandbox_process: SandboxProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OldAirflow]:
    """A healthy Airflow of this version, with the example DAGs and those of the tests."""
    python = PROJECT / f".venv-airflow-{request.param}" / "bin" / "python"
    if not python.exists():
        skip_unless_required("compat", f"Airflow {request.param} is not installed: run `make compat`")
    home = tmp_path_factory.mktemp(f"airflow-{request.param}")
    newer = [f"{name}.py" for name, version in NEED_NEWER.items() if request.param < version]
    shutil.copytree(EXAMPLES, home / "dags", ignore=shutil.ignore_patterns(*newer))
    shutil.copytree(Path(__file__).parent / "dags", home / "dags", dirs_exist_ok=True)
    shutil.copy(PROJECT / "tests/integration/dags/linked.py", home / "dags")
    ports = StackPorts.free()
    receiver = StackReceiver(ports)
    settings = StackSettings(
        home=home / "airflow",
        dags_folder=home / "dags",
        connections={CONNECTION_ID: json.dumps(receiver.connection(sandbox_process, status_function=STATUS))},
        variables={**VARIABLES, LEDGER_VARIABLE: f"file://{home / 'ledgers'}"},
        python=python,
    )
    with AirflowStack(settings, ports) as airflow:
        yield OldAirflow(request.param, airflow, sandbox_process, receiver)


@pytest.fixture
def airflow(old_airflow: OldAirflow) -> OldAirflow:
    """The same Airflow, with a sandbox that remembers nothing."""
    old_airflow.sandbox.reset()
    return old_airflow
