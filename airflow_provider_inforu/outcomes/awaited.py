"""The arguments of a wait for calls: a manifest, or a send_id and its number of calls."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.outcomes.decision import CompletionThreshold
from airflow_provider_inforu.outcomes.sources import Job, SourceName
from airflow_provider_inforu.outcomes.summary import SendSummary

OnTimeout = Literal["fail", "succeed"]

_SEND_ID = re.compile(r"[0-9a-f]{16}")
_HOW_TO = "Pass the output of the sending task, for example send=call.output, or its send_id and expected"


@dataclass(frozen=True, slots=True)
class AwaitedSend:
    """A send to wait for.

    :ivar send_id: The ID of the send.
    :ivar expected: The number of accepted calls.
    :ivar in_doubt: The number of calls in doubt, from the manifest; 0 if ``expected`` was given.
    :ivar jobs: The accepted requests; None if their RequestTokens are unknown.
    :ivar done: The manifest's summary if the calls have already ended; otherwise None.
    """

    send_id: str
    expected: int
    in_doubt: int
    jobs: tuple[Job, ...] | None = field(repr=False)
    done: SendSummary | None


def read_send(send: object, expected: object = None) -> AwaitedSend:
    """Return the send to wait for.

    :param send: A manifest, its JSON as text, or a send_id.
    :param expected: The number of calls to wait for. Required with a send_id; None (default) uses the
        manifest's count.
    :raises InforuInputError: ``send`` is not a manifest or send_id, or ``expected`` is missing or invalid.
    """
    if isinstance(send, str) and send.strip().startswith("{"):
        send = _parse(send)
    if isinstance(send, str):
        if expected is None:
            raise InforuInputError(
                f"expected is missing: a send_id alone does not give the number of calls. {_HOW_TO}"
            )
        return AwaitedSend(read_send_id(send), _whole(expected, "expected"), in_doubt=0, jobs=None, done=None)
    if not isinstance(send, Mapping):
        hint = ". If the sending task is mapped, expand this task too" if isinstance(send, list) else ""
        raise InforuInputError(f"send must be a manifest, not {type(send).__name__}. {_HOW_TO}{hint}")
    return _read_manifest(send, expected)


def read_send_id(send_id: object) -> str:
    """Check a send_id and return it.

    :param send_id: 16 lowercase hexadecimal digits.
    :raises InforuInputError: The send_id is missing or has another form.
    """
    if not isinstance(send_id, str) or not _SEND_ID.fullmatch(send_id):
        raise InforuInputError(
            "send_id must have 16 lowercase hexadecimal digits. Pass the send_id from a manifest"
        )
    return send_id


def read_threshold(expected: int, complete_when: object) -> CompletionThreshold:
    """Return the threshold that ends a wait.

    :param expected: The number of accepted calls.
    :param complete_when: The share of the calls that must have ended, above 0 and at most 1.
    :raises InforuInputError: ``complete_when`` is not a number in this range.
    """
    if isinstance(complete_when, bool) or not isinstance(complete_when, int | float):
        raise InforuInputError(f"complete_when must be a number, not {type(complete_when).__name__}")
    if not 0 < complete_when <= 1:
        raise InforuInputError(f"complete_when must be above 0 and at most 1, not {complete_when}")
    return CompletionThreshold(expected, float(complete_when))


def check_source_name(source: object) -> None:
    """Check that a source is known.

    :param source: The name of the source.
    :raises InforuInputError: The source is unknown.
    """
    if source not in get_args(SourceName):
        raise InforuInputError(f"source must be one of {', '.join(get_args(SourceName))}, not {source!r}")


def check_source(awaited: AwaitedSend, source: SourceName) -> None:
    """Check that a source can report the calls of this send.

    :param awaited: The send.
    :param source: The name of the source.
    :raises InforuInputError: The source cannot report the calls of this send.
    """
    if source == "status_function" and awaited.jobs is None:
        raise InforuInputError(
            f"source='status_function' needs the RequestTokens of send {awaited.send_id}. Only a manifest "
            "lists them, and only for at most 200 requests that all have a token. Use "
            "source='notifications', or split the recipients into several sends"
        )
    # The receiver cannot distinguish calls in doubt from accepted calls; RequestTokens can.
    if source == "notifications" and awaited.in_doubt and awaited.done is None:
        calls = "1 call is" if awaited.in_doubt == 1 else f"{awaited.in_doubt} calls are"
        raise InforuInputError(
            f"send {awaited.send_id}: {calls} in doubt, so the number of calls to wait for is unknown. Set "
            "wait_for_calls=True on the sending task: it settles calls in doubt by their notifications. Or "
            "pass expected, the number of calls to wait for"
        )


def check_on_timeout(on_timeout: object) -> None:
    """Check the argument ``on_timeout``.

    :param on_timeout: ``fail`` or ``succeed``.
    :raises InforuInputError: The value is another one.
    """
    if on_timeout not in get_args(OnTimeout):
        raise InforuInputError(
            f"on_timeout must be one of {', '.join(get_args(OnTimeout))}, not {on_timeout!r}"
        )


def check_seconds(name: str, value: object) -> None:
    """Check an argument that is a length of time.

    :param name: The argument's name, for the error.
    :param value: Seconds above 0, as a number or a timedelta.
    :raises InforuInputError: The value is not finite, not above 0, or has another type.
    """
    seconds = value.total_seconds() if isinstance(value, dt.timedelta) else value
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not is_number or not math.isfinite(seconds) or seconds <= 0:  # type: ignore[arg-type, operator]
        raise InforuInputError(f"{name} must be a number of seconds above 0, not {value!r}")


def _parse(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        raise InforuInputError(
            "send is not valid JSON: a template turned the manifest into text. Pass send=call.output, or add "
            "| tojson to the template"
        ) from None


def _read_manifest(manifest: Mapping[str, Any], expected: object) -> AwaitedSend:
    if manifest.get("dry_run") is True:
        # A dry run must pass through the whole DAG, so the wait ends at once.
        return AwaitedSend("", 0, in_doubt=0, jobs=None, done=SendSummary(""))
    in_doubt = 0 if expected is not None else _whole(manifest.get("in_doubt") or 0, "in_doubt")
    return AwaitedSend(
        send_id=read_send_id(manifest.get("send_id")),
        expected=_whole(manifest.get("accepted") if expected is None else expected, "accepted"),
        in_doubt=in_doubt,
        jobs=_read_jobs(manifest.get("requests")),
        done=_read_done(manifest.get("calls")),
    )


def _read_jobs(requests: object) -> tuple[Job, ...] | None:
    if requests is None:
        return None
    try:
        jobs = tuple(Job(item["request_token"], _whole(item["calls"], "calls")) for item in requests)  # type: ignore[attr-defined]
    except (TypeError, KeyError):
        raise InforuInputError(f"the manifest's field requests is invalid. {_HOW_TO}") from None
    return jobs if all(isinstance(job.request_token, str) and job.request_token for job in jobs) else None


def _read_done(calls: object) -> SendSummary | None:
    if not isinstance(calls, Mapping) or calls.get("complete") is not True:
        return None
    try:
        return SendSummary.from_json(calls)
    except ValueError as error:
        raise InforuInputError(f"the manifest's field calls is invalid ({error}). {_HOW_TO}") from None


def _whole(value: object, name: str) -> int:
    text = str(value).strip()
    if isinstance(value, bool) or not isinstance(value, int | str) or not text.isdecimal():
        raise InforuInputError(f"{name} must be a number of calls. {_HOW_TO}")
    return int(text)
