"""The addresses of the pages, below the path of ``[api] base_url``."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urlsplit

if TYPE_CHECKING:
    from airflow_provider_inforu.ui.call_views import TaskRef

PREFIX = "/inforu-calls"


def with_base_path(path: str) -> str:
    """Return a path below the path of ``[api] base_url``.

    :param path: Begins with a slash.
    """
    from airflow_provider_inforu._compat import conf

    return urlsplit(conf.get("api", "base_url", fallback="") or "").path.rstrip("/") + path


def list_address(**query: str | int) -> str:
    """Return the address of the list, without empty parameters."""
    given = {name: value for name, value in query.items() if value}
    return with_base_path(f"{PREFIX}/") + (f"?{urlencode(given)}" if given else "")


def send_address(task: TaskRef, page: str = "send", **query: str | int) -> str:
    """Return the address of a page of a send.

    A run ID may contain a slash, so only the DAG is in the path.

    :param task: The task instance.
    :param page: ``send``, ``report.csv`` or ``settle``.
    """
    names = {"run_id": task.run_id, "task_id": task.task_id, "map_index": task.map_index}
    given = {name: value for name, value in query.items() if value}
    path = with_base_path(f"{PREFIX}/dags/{quote(task.dag_id, safe='')}/{page}")
    return f"{path}?{urlencode({**names, **given})}"


def task_address(task: TaskRef) -> str:
    """Return the address of a task instance in Airflow's own pages."""
    dag_id, run_id, task_id = (quote(one, safe="") for one in (task.dag_id, task.run_id, task.task_id))
    mapped = f"/mapped/{task.map_index}" if task.map_index >= 0 else ""
    return with_base_path(f"/dags/{dag_id}/runs/{run_id}/tasks/{task_id}{mapped}")


def login_address(came_from: str) -> str:
    """Return the address of the login that comes back.

    :param came_from: The path and query of the page, below the base path.
    """
    return with_base_path(f"/api/v2/auth/login?next={quote(with_base_path(came_from), safe='')}")
