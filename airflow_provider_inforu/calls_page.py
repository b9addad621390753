"""Where the page "Inforu calls" is. Tasks link to it and the API server mounts it, so this imports little."""

from __future__ import annotations

from urllib.parse import quote, urlencode, urlsplit

PREFIX = "/inforu-calls"
"""Not below ``/inforu``: proxies open that path to the vendor."""
XCOM_KEY = "inforu_calls_link"
"""The XCom of a task that holds its link to the page."""
COUNTS_KEY = "inforu_send_counts"
"""The XCom of a task that holds the counts with which its last try ended."""


def is_enabled() -> bool:
    """Return whether this Airflow shows the page."""
    from airflow_provider_inforu import _compat

    # Before Airflow 3.1.1 a page cannot tell who the user is.
    is_able = _compat.AIRFLOW_VERSION >= (3, 1, 1)
    return is_able and bool(_compat.conf.getboolean("inforu", "ui_enabled", fallback=True))


def with_base_path(path: str) -> str:
    """Return a path below the path of ``[api] base_url``.

    :param path: Begins with a slash.
    """
    from airflow_provider_inforu._compat import conf

    return urlsplit(conf.get("api", "base_url", fallback="") or "").path.rstrip("/") + path


def list_address(**query: str | int) -> str:
    """Return the address of the list of sends, without empty parameters."""
    given = {name: value for name, value in query.items() if value}
    return with_base_path(f"{PREFIX}/") + (f"?{urlencode(given)}" if given else "")


def send_address(
    dag_id: str, run_id: str, task_id: str, map_index: int, page: str = "send", **query: str | int
) -> str:
    """Return the address of a page of the send of a task instance.

    A run ID may contain a slash, so only the DAG is in the path.

    :param page: ``send``, ``report.csv`` or ``settle``.
    """
    names = {"run_id": run_id, "task_id": task_id, "map_index": map_index}
    given = {name: value for name, value in query.items() if value}
    path = with_base_path(f"{PREFIX}/dags/{quote(dag_id, safe='')}/{page}")
    return f"{path}?{urlencode({**names, **given})}"
