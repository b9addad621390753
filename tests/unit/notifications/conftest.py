import tempfile
from types import SimpleNamespace

import pytest


@pytest.fixture(autouse=True)
def cooldowns(tmp_path, monkeypatch):
    """A folder for temporary files that no other test uses."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def failed_task():
    """What a failing task gives its callbacks, as far as it matters."""
    return task_context("failed", exception=ValueError("boom"))


def task_context(state, *, task_id="load_orders", dag_id="daily_orders", map_index=-1, **further):
    task = SimpleNamespace(task_id=task_id, task_display_name=task_id)
    dag = SimpleNamespace(dag_id=dag_id, dag_display_name=dag_id, get_template_env=lambda **_: environment())
    return {
        "dag": SimpleNamespace(**vars(dag), render_template_as_native_obj=False),
        "ti": SimpleNamespace(
            dag_id=dag_id, task_id=task_id, map_index=map_index, state=state, task=task, try_number=1
        ),
        **further,
    }


def environment():
    from airflow.sdk.definitions._internal.templater import create_template_env

    return create_template_env()
