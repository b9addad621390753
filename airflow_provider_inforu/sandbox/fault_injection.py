"""The effect of each kind of fault on a request."""

from __future__ import annotations

import asyncio
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from fastapi import Response
from fastapi.responses import StreamingResponse

from airflow_provider_inforu.capi.statuses import StatusId
from airflow_provider_inforu.sandbox.response_envelope import failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from airflow_provider_inforu.sandbox.faults import Fault
    from airflow_provider_inforu.sandbox.request_context import RequestContext

_CHUNK = b"A" * 65_536
_CHUNKS_PER_MEGABYTE = 16
_HTML = "<!doctype html><html><body><h1>Server Error</h1></body></html>"


async def inject_fault(fault: Fault, exchange: RequestContext) -> Response:
    """Answer a request according to its fault."""
    return await _BEHAVIOURS[fault.kind](fault, exchange)


async def _status(fault: Fault, exchange: RequestContext) -> Response:
    status_id = StatusId.GENERAL_FAILURE if fault.status_id is None else fault.status_id
    return exchange.send(failure(int(status_id), "A fault that was asked for", http_status=fault.http_status))


async def _http_error(fault: Fault, exchange: RequestContext) -> Response:
    content = _HTML if fault.body == "html" else ""
    return exchange.send_other(Response(content, fault.http_status or 500, media_type="text/html"))


async def _garbage(_: Fault, exchange: RequestContext) -> Response:
    return exchange.send_other(
        Response(b'{"StatusId": 1, "StatusDesc\xff\xfe', 200, media_type="application/json")
    )


async def _slow(fault: Fault, exchange: RequestContext) -> Response:
    await asyncio.sleep(fault.seconds)
    return exchange.send(exchange.handle())


async def _rate_limit(fault: Fault, exchange: RequestContext) -> Response:
    values = {
        "seconds": str(fault.retry_after),
        "date": formatdate(time.time() + fault.retry_after, usegmt=True),
    }
    value = values.get(fault.retry_after_form)
    return exchange.send(failure(StatusId.RATE_LIMIT, headers={"Retry-After": value} if value else {}))


async def _drop(_: Fault, exchange: RequestContext) -> Response:
    return exchange.send_nothing()


async def _huge(fault: Fault, exchange: RequestContext) -> Response:
    async def body() -> AsyncIterator[bytes]:
        yield b'{"StatusId": 1, "DetailedDescription": "'
        for _ in range(fault.megabytes * _CHUNKS_PER_MEGABYTE):
            yield _CHUNK
            # Lets the event loop notice a disconnected client, and answer other requests.
            await asyncio.sleep(0)
        yield b'"}'

    return exchange.send_other(StreamingResponse(body(), 200, media_type="application/json"))


async def _loose_types(fault: Fault, exchange: RequestContext) -> Response:
    answer = exchange.handle()
    envelope = answer.envelope(exchange.function)
    loose = {name[0].lower() + name[1:]: value for name, value in envelope.items()}
    loose["statusId"] = str(answer.status_id)
    loose["data"] = None if fault.null_data else _loosen(answer.data or {})
    return exchange.send(answer, loose)


async def _accept_then_drop(_: Fault, exchange: RequestContext) -> Response:
    exchange.handle()
    return exchange.send_nothing()


async def _accept_then_slow(fault: Fault, exchange: RequestContext) -> Response:
    answer = exchange.handle()
    await asyncio.sleep(fault.seconds)
    return exchange.send(answer)


async def _accept_then_error(fault: Fault, exchange: RequestContext) -> Response:
    exchange.handle()
    return await _http_error(fault, exchange)


def _loosen(data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name.replace("ID", "Id"): str(value) if isinstance(value, int) else value
        for name, value in data.items()
    }


_BEHAVIOURS: Mapping[str, Callable[[Fault, RequestContext], Awaitable[Response]]] = {
    "status": _status,
    "http_error": _http_error,
    "garbage": _garbage,
    "slow": _slow,
    "rate_limit": _rate_limit,
    "drop": _drop,
    "huge": _huge,
    "loose_types": _loose_types,
    "accept_then_drop": _accept_then_drop,
    "accept_then_slow": _accept_then_slow,
    "accept_then_error": _accept_then_error,
}
