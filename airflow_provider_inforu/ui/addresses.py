"""The addresses of the pages, below the path of ``[api] base_url``."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from airflow_provider_inforu import calls_page
from airflow_provider_inforu.calls_page import with_base_path

if TYPE_CHECKING:
    from airflow_provider_inforu.ui.call_views import TaskRef


def send_address(task: TaskRef, page: str = "send", **query: str | int) -> str:
    """Return the address of a page of a send.

    :param task: The task instance.
    :param page: ``send``, ``report.csv`` or ``settle``.
    """
    return calls_page.send_address(task.dag_id, task.run_id, task.task_id, task.map_index, page, **query)


def task_address(task: TaskRef) -> str:
    """Return the address of a task instance in Airflow's own pages."""
    dag_id, run_id, task_id = (quote(one, safe="") for one in (task.dag_id, task.run_id, task.task_id))
    mapped = f"/mapped/{task.map_index}" if task.map_index >= 0 else ""
    return with_base_path(f"/dags/{dag_id}/runs/{run_id}/tasks/{task_id}{mapped}")


def login_address(came_from: str) -> str:
    """Return the address of the login, which then returns to the page.

    :param came_from: The path and query of the page, below the base path.
    """
    return with_base_path(f"/api/v2/auth/login?next={quote(with_base_path(came_from), safe='')}")
