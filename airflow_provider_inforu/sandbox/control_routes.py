"""The control API under ``/_sandbox/``: inspect and control the sandbox."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from airflow_provider_inforu.sandbox.control_input import ControlInputError, read_model
from airflow_provider_inforu.sandbox.faults import Fault
from airflow_provider_inforu.sandbox.json_text import read_json, write_json
from airflow_provider_inforu.sandbox.vendor_facts import facts_as_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_inforu.sandbox.connection_faults import ConnectionFaults
    from airflow_provider_inforu.sandbox.state import Account


class UnreadableControlBodyError(ControlInputError):
    """The body of a control request is not a JSON object."""


def control_routes(account: Account, wire: ConnectionFaults) -> APIRouter:
    """Return the routes of the control API."""
    control = _Control(account, wire)
    router = APIRouter(prefix="/_sandbox")
    router.get("/health")(control.health)
    router.get("/summary")(control.summary)
    router.get("/facts")(control.facts)
    router.get("/requests")(control.requests)
    router.get("/calls")(control.calls)
    router.get("/campaigns")(control.campaigns)
    router.get("/pushes")(control.pushes)
    router.get("/settings")(control.settings)
    router.put("/settings")(control.change_settings)
    router.get("/faults")(control.faults)
    router.post("/faults")(control.add_fault)
    router.delete("/faults")(control.clear_faults)
    router.post("/reset")(control.reset)
    return router


class _Control:
    """Handles the requests. FastAPI runs the methods without ``async`` in threads."""

    def __init__(self, account: Account, wire: ConnectionFaults) -> None:
        self._account = account
        self._wire = wire

    def health(self) -> Response:
        return _json({"ok": True, "username": self._account.username, "calls_anyone": False})

    def summary(self) -> Response:
        state = self._account.state
        return _json({**state.calls.counts(time.time()), "requests": len(state.recorder)})

    def facts(self) -> Response:
        return _json(facts_as_json())

    def requests(self) -> Response:
        return _json([request.as_json() for request in self._account.state.recorder.requests()])

    def calls(self, newest: Annotated[int | None, Query(ge=1)] = None) -> Response:
        now = time.time()
        return _json([call.as_json(now) for call in self._account.state.calls.newest(newest)])

    def campaigns(self) -> Response:
        return _json(self._account.state.campaigns.as_json())

    def pushes(self) -> Response:
        return _json(self._account.state.pushes.as_json())

    def settings(self) -> Response:
        return _json(self._account.state.settings.model_dump())

    async def change_settings(self, request: Request) -> Response:
        changes = _object(await request.body())
        return _json(self._account.state.update_settings(changes).model_dump())

    def faults(self) -> Response:
        return _json(self._account.state.faults.waiting())

    async def add_fault(self, request: Request) -> Response:
        fault = read_model(Fault, _object(await request.body()))
        if fault.kind == "refuse":
            await self._wire.refuse(fault.seconds)
            headers = {"Connection": "close"}
        else:
            self._account.state.faults.add(fault)
            headers = {}
        return _json(fault.as_json(), 201, headers)

    def clear_faults(self) -> Response:
        self._account.state.faults.clear()
        return _json({"ok": True})

    def reset(self) -> Response:
        self._account.reset()
        return _json({"ok": True})


def _object(raw: bytes) -> dict[str, Any]:
    try:
        values = read_json(raw)
    except ValueError as error:
        raise UnreadableControlBodyError(f"the body is not JSON: {error}") from None
    if not isinstance(values, dict):
        raise UnreadableControlBodyError("the body must be a JSON object")
    return values


def _json(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(write_json(value), status, headers, "application/json")
