"""The kinds of faults, and the queue of faults that wait for a request."""

import threading
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from airflow_provider_inforu.sandbox.control_input import ControlModel
from airflow_provider_inforu.sandbox.sandbox_settings import Seconds

Kind = Literal[
    "status",
    "http_error",
    "garbage",
    "slow",
    "rate_limit",
    "drop",
    "huge",
    "loose_types",
    "accept_then_drop",
    "accept_then_slow",
    "accept_then_error",
    "refuse",
]

_PARAMETERS: dict[str, frozenset[str]] = {
    "status": frozenset({"status_id", "http_status"}),
    "http_error": frozenset({"http_status", "body"}),
    "garbage": frozenset(),
    "slow": frozenset({"seconds"}),
    "rate_limit": frozenset({"retry_after", "retry_after_form"}),
    "drop": frozenset(),
    "huge": frozenset({"megabytes"}),
    "loose_types": frozenset({"null_data"}),
    "accept_then_drop": frozenset(),
    "accept_then_slow": frozenset({"seconds"}),
    "accept_then_error": frozenset({"http_status", "body"}),
    "refuse": frozenset({"seconds"}),
}
"""The parameters of each kind, in addition to ``function`` and ``count``."""


class Fault(ControlModel):
    """A fault for the next requests."""

    kind: Kind
    """The kind of the fault."""
    function: str | None = None
    """Only requests to this function, ``Voice/Message/Send``; default: any."""
    count: int = Field(default=1, ge=1, le=1_000_000)
    """How many requests the fault affects."""
    status_id: int | None = None
    """``status``: the StatusId of the response; required."""
    http_status: int | None = Field(default=None, ge=200, le=599)
    """``status``: default the documented code, else 403. ``http_error``, ``accept_then_error``: 500."""
    body: Literal["html", "empty"] = "html"
    """``http_error``, ``accept_then_error``: the body of the response."""
    seconds: Seconds = 1.0
    """``slow``, ``accept_then_slow``: the delay of the response. ``refuse``: how long the port is closed."""
    retry_after: int = Field(default=1, ge=0, le=86_400)
    """``rate_limit``: the time in Retry-After, in seconds."""
    retry_after_form: Literal["seconds", "date", "none"] = "seconds"
    """``rate_limit``: whether Retry-After is a number, an HTTP date, or absent."""
    megabytes: int = Field(default=1024, ge=1, le=1_048_576)
    """``huge``: the size of the response, if the client reads all of it."""
    null_data: bool = False
    """``loose_types``: whether ``Data`` is null instead of loosely typed."""

    @model_validator(mode="after")
    def _has_its_parameters_only(self) -> Self:
        others = self.model_fields_set - _PARAMETERS[self.kind] - {"kind", "function", "count"}
        if others:
            raise ValueError(f"{self.kind} takes no {', '.join(sorted(others))}. Remove it")
        if self.kind == "status" and self.status_id is None:
            raise ValueError("status needs a status_id. Set it, for example to -1")
        if self.kind == "refuse" and {"function", "count"} & self.model_fields_set:
            raise ValueError("refuse takes only seconds, because it affects every request. Remove the others")
        return self

    def as_json(self) -> dict[str, Any]:
        """Return the fault with the parameters of its kind."""
        return self.model_dump(include={"kind", "function", "count", *_PARAMETERS[self.kind]})


class FaultQueue:
    """A queue of faults in the order of their creation. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[tuple[Fault, int]] = []

    def add(self, fault: Fault) -> None:
        """Add a fault, which waits for matching requests."""
        with self._lock:
            self._waiting.append((fault, fault.count))

    def take(self, function: str) -> Fault | None:
        """Return the first fault that matches a request to ``function``, and count this request."""
        with self._lock:
            for position, (fault, left) in enumerate(self._waiting):
                if fault.function in {None, function}:
                    self._waiting[position : position + 1] = [(fault, left - 1)] if left > 1 else []
                    return fault
        return None

    def waiting(self) -> list[dict[str, Any]]:
        """Return the waiting faults. ``count`` is the number of requests that they still affect."""
        with self._lock:
            return [{**fault.as_json(), "count": left} for fault, left in self._waiting]

    def clear(self) -> None:
        """Remove all waiting faults."""
        with self._lock:
            self._waiting.clear()
