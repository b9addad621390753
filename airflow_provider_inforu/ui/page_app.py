"""The web application of the page "Inforu calls". Only the plugin imports it, in the API server."""

from __future__ import annotations

import csv
import datetime as dt
import io
import unicodedata
from typing import TYPE_CHECKING, Annotated, Literal

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser  # noqa: TC002 - FastAPI looks it up
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import get_user, requires_access_dag
from airflow.api_fastapi.logging.decorators import action_logging
from airflow.models.dag import DagModel
from fastapi import Depends, FastAPI, HTTPException, Path, Query, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.staticfiles import StaticFiles

from airflow_provider_inforu.capi.call_outcome import OUTCOME_FIELDS
from airflow_provider_inforu.outcomes.spreadsheet_cells import to_cell
from airflow_provider_inforu.ui.call_views import PAGE_SIZE, CallsSource, SendFilter, SendView, TaskRef
from airflow_provider_inforu.ui.page_errors import add_error_handlers
from airflow_provider_inforu.ui.page_rendering import STATIC_FOLDER, SecurityHeaders, render

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_provider_inforu.outcomes.push_health import PushHealth

_LARGEST_INDEX = 2**31 - 1
_PERIODS = (1, 7, 30, 90)

may_read_task = requires_access_dag("GET", DagAccessEntity.TASK_INSTANCE)
may_edit_task = requires_access_dag("PUT", DagAccessEntity.TASK_INSTANCE)
log_settle = action_logging("inforu_settle")


def read_dag_ids(user: Annotated[BaseUser, Depends(get_user)]) -> set[str]:
    """Return the DAGs whose task instances the user may read."""
    return {str(one) for one in get_auth_manager().get_authorized_dag_ids(user=user, method="GET")}


def read_may_settle(dag_id: Annotated[str, Path()], user: Annotated[BaseUser, Depends(get_user)]) -> bool:
    """Return whether the user may settle the sends of a DAG."""
    return bool(
        get_auth_manager().is_authorized_dag(
            method="PUT",
            access_entity=DagAccessEntity.TASK_INSTANCE,
            details=DagDetails(id=dag_id, team_name=_read_team(dag_id)),
            user=user,
        )
    )


def _read_team(dag_id: str) -> str | None:
    # Airflow 3.1 has no teams.
    read = getattr(DagModel, "get_team_name", None)
    return read(dag_id) if read else None


def read_task(
    dag_id: Annotated[str, Path()],
    run_id: Annotated[str, Query()],
    task_id: Annotated[str, Query()],
    map_index: Annotated[int, Query(ge=-1, le=_LARGEST_INDEX)] = -1,
) -> TaskRef:
    """Return the task instance that a request names."""
    if any(_has_control_characters(one) for one in (dag_id, run_id, task_id)):
        raise HTTPException(404)
    return TaskRef(dag_id, run_id, task_id, map_index)


def read_filter(
    dag: str = "",
    connection: str = "",
    days: Annotated[int, Query(ge=0, le=36500)] = 0,
    needs_person: bool = False,  # noqa: FBT001, FBT002 - a parameter of the query
) -> SendFilter:
    """Return the filter of the list."""
    if _has_control_characters(dag) or _has_control_characters(connection):
        raise HTTPException(422, "A filter contains control characters. Remove them.")
    return SendFilter(dag, connection, days, needs_person)


def require_json(request: Request) -> None:
    """Refuse requests that a form on another site can send. Such a form cannot send JSON."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "The request is not JSON. Nothing was changed. Use the buttons of the page.")
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise HTTPException(
            403, "The request comes from another site. Nothing was changed. Use the buttons of the page."
        )


class Decision(BaseModel):
    """A person's decision about batches in doubt.

    :ivar choice: ``accept`` if the people were called, ``resend`` to call them again.
    :ivar batches: The requests that the page showed as in doubt, by the number of their batch.
    """

    model_config = ConfigDict(extra="forbid")

    choice: Literal["accept", "resend"]
    batches: dict[Annotated[int, Field(ge=1, le=_LARGEST_INDEX)], Annotated[str, Field(max_length=200)]] = (
        Field(min_length=1, max_length=100_000)
    )


def build_app(source: CallsSource) -> FastAPI:
    """Return the application.

    :param source: The source of the values that the pages show.
    """
    app = FastAPI(title="Inforu calls", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(SecurityHeaders)
    add_error_handlers(app)
    app.mount("/static", StaticFiles(directory=STATIC_FOLDER), name="static")
    _add_list(app, source)
    _add_send(app, source)
    _add_report(app, source)
    _add_settle(app, source)
    return app


def _add_list(app: FastAPI, source: CallsSource) -> None:
    @app.get("/")
    def show_list(
        dag_ids: Annotated[set[str], Depends(read_dag_ids)],
        wanted: Annotated[SendFilter, Depends(read_filter)],
        page: Annotated[int, Query(ge=1, le=_LARGEST_INDEX)] = 1,
    ) -> Response:
        found = source.list_sends(dag_ids, wanted, page)
        pages = max(1, -(-found.total // PAGE_SIZE))
        if page > pages:
            raise HTTPException(404, f"Page {page} does not exist. The last page is {pages}.")
        return render(
            "list.html",
            found=found,
            wanted=wanted,
            page=page,
            pages=pages,
            periods=_PERIODS,
            dag_ids=sorted(dag_ids),
            health=_describe_health(source, found.conn_ids),
        )


def _describe_health(source: CallsSource, conn_ids: Sequence[str]) -> list[tuple[str, str, str]] | None:
    """Return a sentence, and the kind and text of a mark, for each connection; None without a receiver."""
    health = source.read_health(conn_ids)
    if health is None:
        return None
    now = dt.datetime.now(dt.UTC)
    return [(one.describe(conn_id, now), *_mark_health(one, now)) for conn_id, one in sorted(health.items())]


def _mark_health(health: PushHealth, now: dt.datetime) -> tuple[str, str]:
    if health.is_suspicious(now):
        return "warn", "check"
    return ("good", "no problems seen") if health.last_push_at else ("calm", "no push yet")


def _find(source: CallsSource, task: TaskRef) -> SendView:
    send = source.find_send(task)
    if send is None:
        raise HTTPException(404, "This task instance has not started a send, or its run was deleted.")
    return send


def _add_send(app: FastAPI, source: CallsSource) -> None:
    @app.get("/dags/{dag_id}/send", dependencies=[Depends(may_read_task)])
    def show_send(
        task: Annotated[TaskRef, Depends(read_task)],
        may_settle: Annotated[bool, Depends(read_may_settle)],
        status: str | None = None,
        after: str | None = None,
    ) -> Response:
        send = _find(source, task)
        if _has_control_characters((status or "") + (after or "")):
            raise HTTPException(422, "A filter contains control characters. Remove them.")
        batches = source.list_batches(send)
        outcomes = source.find_outcomes(send)
        results = None
        if outcomes is not None:
            try:
                results = source.list_results(send, status or None, after or None)
            except ValueError:
                raise HTTPException(404, "This page of results does not exist.") from None
        return render(
            "send.html",
            send=send,
            task=task,
            in_doubt=[one for one in batches if one.state == "in doubt"],
            noteworthy=[one for one in batches if one.state != "accepted"],
            batches=batches,
            outcomes=outcomes,
            results=results,
            status=status or "",
            may_settle=may_settle,
        )


def _add_report(app: FastAPI, source: CallsSource) -> None:
    @app.get("/dags/{dag_id}/report.csv", dependencies=[Depends(may_read_task)])
    def download(task: Annotated[TaskRef, Depends(read_task)]) -> Response:
        send = _find(source, task)
        if source.find_outcomes(send) is None:
            raise HTTPException(404, "Without a receiver there are no results to download.")
        return StreamingResponse(
            _write_report(source, send),
            media_type="text/csv; charset=utf-8",
            headers={"content-disposition": 'attachment; filename="inforu-calls.csv"'},
        )


def _write_report(source: CallsSource, send: SendView) -> Iterator[str]:
    yield "\ufeff"  # without it Excel misreads Hebrew
    yield _write_row(["key", *OUTCOME_FIELDS])
    for one in source.iter_results(send):
        fields = one.to_json()
        yield _write_row([fields[name] for name in ("key", *OUTCOME_FIELDS)])


def _write_row(values: list[object]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow([to_cell(one) for one in values])
    return line.getvalue()


def _add_settle(app: FastAPI, source: CallsSource) -> None:
    @app.post(
        "/dags/{dag_id}/settle",
        dependencies=[Depends(may_edit_task), Depends(require_json), Depends(log_settle)],
    )
    def settle(task: Annotated[TaskRef, Depends(read_task)], decision: Decision) -> Response:
        source.settle(_find(source, task), decision.choice, decision.batches)
        return JSONResponse({"settled": sorted(decision.batches)})


def _has_control_characters(text: str) -> bool:
    return any(unicodedata.category(one) in {"Cc", "Cs"} for one in text)
