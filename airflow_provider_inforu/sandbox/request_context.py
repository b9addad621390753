"""One request to the vendor's API, with methods to answer it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import Request, Response

from airflow_provider_inforu.sandbox.functions import answer
from airflow_provider_inforu.sandbox.json_text import write_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_inforu.sandbox.connection_faults import ConnectionFaults
    from airflow_provider_inforu.sandbox.recorder import RecordedRequest
    from airflow_provider_inforu.sandbox.response_envelope import Answer
    from airflow_provider_inforu.sandbox.state import State


class RequestContext:
    """A request with its record. Each method that answers also records the response."""

    def __init__(
        self, request: Request, state: State, record: RecordedRequest, body: object, wire: ConnectionFaults
    ) -> None:
        self.function = record.function
        self._request = request
        self._state = state
        self._record = record
        self._body = body
        self._wire = wire

    def handle(self) -> Answer:
        """Carry out the request, which accepts its calls, and return the answer."""
        return answer(self._state, self.function, self._body)

    def send(self, answered: Answer, envelope: Mapping[str, Any] | None = None) -> Response:
        """Return the answer as a response, in the vendor's envelope or in a modified ``envelope``."""
        self._record.http_status = answered.http_status
        self._record.status_id = answered.status_id
        body = write_json(envelope or answered.envelope(self.function))
        return Response(body, answered.http_status, dict(answered.headers), "application/json")

    def send_other(self, response: Response) -> Response:
        """Return a response that does not come from the vendor's API."""
        self._record.http_status = response.status_code
        return response

    def send_nothing(self) -> Response:
        """Reset the connection. The returned response is never sent."""
        self._wire.reset_connection(self._request.client)
        return Response()
