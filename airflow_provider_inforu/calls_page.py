"""The addresses of the page "Inforu calls". Tasks and the API server import it, so it imports little."""

from __future__ import annotations

from urllib.parse import quote, urlencode, urlsplit

PREFIX = "/inforu-calls"
"""The path of the page. It is not below ``/inforu``, because proxies open that path to Inforu."""
XCOM_KEY = "inforu_calls_link"
"""The XCom with a task's link to the page."""


def is_enabled() -> bool:
    """Return whether this Airflow shows the page."""
    from airflow_provider_inforu import _compat

    # Before Airflow 3.1.1 a page cannot identify the user.
    is_able = _compat.AIRFLOW_VERSION >= (3, 1, 1)
    return is_able and bool(_compat.conf.getboolean("inforu", "ui_enabled", fallback=True))


def with_base_path(path: str) -> str:
    """Return a path below the path of ``[api] base_url``.

    :param path: A path that begins with a slash.
    """
    from airflow_provider_inforu._compat import conf

    return urlsplit(conf.get("api", "base_url", fallback="") or "").path.rstrip("/") + path


def list_address(**query: str | int) -> str:
    """Return the address of the list of sends. Empty parameters are omitted."""
    given = {name: value for name, value in query.items() if value}
    return with_base_path(f"{PREFIX}/") + (f"?{urlencode(given)}" if given else "")


def send_address(
    dag_id: str, run_id: str, task_id: str, map_index: int, page: str = "send", **query: str | int
) -> str:
    """Return the address of a page about the send of a task instance.

    Only the DAG is in the path, because a run ID may contain a slash.

    :param page: The page: ``send``, ``report.csv`` or ``settle``.
    """
    names = {"run_id": run_id, "task_id": task_id, "map_index": map_index}
    given = {name: value for name, value in query.items() if value}
    path = with_base_path(f"{PREFIX}/dags/{quote(dag_id, safe='')}/{page}")
    return f"{path}?{urlencode({**names, **given})}"
