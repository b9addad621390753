"""``POST /api/v2/{Family}/{Function}``: the routes of the vendor's API in the sandbox."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from fastapi import APIRouter, HTTPException, Request, Response

from airflow_provider_inforu.capi.statuses import StatusId
from airflow_provider_inforu.sandbox.authentication import authenticate
from airflow_provider_inforu.sandbox.fault_injection import inject_fault
from airflow_provider_inforu.sandbox.json_text import read_json
from airflow_provider_inforu.sandbox.recorder import RecordedRequest
from airflow_provider_inforu.sandbox.request_context import RequestContext
from airflow_provider_inforu.sandbox.response_envelope import Answer, failure

if TYPE_CHECKING:
    from airflow_provider_inforu.sandbox.connection_faults import ConnectionFaults
    from airflow_provider_inforu.sandbox.state import Account, State

_UNREADABLE = object()


def vendor_routes(account: Account, wire: ConnectionFaults) -> APIRouter:
    """Return the routes of the vendor's API for one account."""
    router = APIRouter()

    async def call_function(request: Request) -> Response:
        if request.path_params["version"].lower() != "v2":
            raise HTTPException(404)
        arrived = time.monotonic()
        state = account.state
        raw = await request.body()
        body = _read(raw)
        header = request.headers.get("authorization")
        location, authenticated = authenticate(header, body, account.username, account.token)
        record = RecordedRequest(
            time=time.time(),
            function=request.path_params["function"].rstrip("/"),
            auth=location,
            user_agent=request.headers.get("user-agent", ""),
            body=raw,
        )
        state.recorder.add(record)
        exchange = RequestContext(request, state, record, body, wire)
        response = await _respond(exchange, state, record, _refuse(state, body, authenticated=authenticated))
        await asyncio.sleep(arrived + state.settings.latency - time.monotonic())
        if wire.refusing:
            response.headers["Connection"] = "close"
        return response

    # A route of Starlette, because FastAPI's handling of parameters is not needed.
    router.add_route("/api/{version}/{function:path}", call_function, methods=["POST"])
    return router


async def _respond(
    exchange: RequestContext, state: State, record: RecordedRequest, refusal: Answer | None
) -> Response:
    if refusal:
        return exchange.send(refusal)
    fault = state.faults.take(exchange.function)
    if fault is None:
        return exchange.send(exchange.handle())
    record.fault = fault.kind
    return await inject_fault(fault, exchange)


def _refuse(state: State, body: object, *, authenticated: bool) -> Answer | None:
    if not authenticated:
        return failure(StatusId.AUTHENTICATION_FAILED)
    if not state.rate_limit.allows(time.monotonic(), state.settings.requests_per_second):
        return failure(StatusId.RATE_LIMIT, headers={"Retry-After": "1"})
    if body is _UNREADABLE:
        return failure(StatusId.GENERAL_FAILURE, "The body is not JSON")
    return None


def _read(raw: bytes) -> object:
    try:
        return read_json(raw)
    except ValueError:
        return _UNREADABLE
