"""Which send is waited for: read from a manifest, or from a send_id and how many calls it made."""

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
_HOW_TO = "pass the output of the task that sends, for example send=call.output, or its send_id and expected"


@dataclass(frozen=True, slots=True)
class AwaitedSend:
    """A send whose calls are waited for.

    :ivar send_id: The send.
    :ivar expected: How many calls the vendor accepted.
    :ivar in_doubt: How many more calls may end, where only the manifest says how many to expect.
    :ivar jobs: Its accepted requests; None where they are not known.
    :ivar done: The summary of a send whose calls have ended already, as the manifest has it; else None.
    """

    send_id: str
    expected: int
    in_doubt: int
    jobs: tuple[Job, ...] | None = field(repr=False)
    done: SendSummary | None


def read_send(send: object, expected: object = None) -> AwaitedSend:
    """Read what an operator returned.

    :param send: A manifest, its JSON as text, or a send_id.
    :param expected: How many calls to wait for, where ``send`` is a send_id; None for what the manifest says.
    :raises InforuInputError: It is something else; the words say what to pass.
    """
    if isinstance(send, str) and send.strip().startswith("{"):
        send = _parse(send)
    if isinstance(send, str):
        if expected is None:
            raise InforuInputError(f"a send_id alone does not say how many calls to wait for: {_HOW_TO}")
        return AwaitedSend(read_send_id(send), _whole(expected, "expected"), in_doubt=0, jobs=None, done=None)
    if not isinstance(send, Mapping):
        hint = "; for a mapped task, expand the waiting task over them too" if isinstance(send, list) else ""
        raise InforuInputError(f"send is a {type(send).__name__}, no manifest: {_HOW_TO}{hint}")
    return _read_manifest(send, expected)


def read_send_id(send_id: object) -> str:
    """Return a send_id that can be one.

    :param send_id: 16 hexadecimal digits.
    :raises InforuInputError: It is something else.
    """
    if not isinstance(send_id, str) or not _SEND_ID.fullmatch(send_id):
        raise InforuInputError("send_id is not the id of a send, which has 16 hexadecimal digits")
    return send_id


def read_threshold(expected: int, complete_when: object) -> CompletionThreshold:
    """Return how many calls must have ended.

    :param expected: How many calls the vendor accepted.
    :param complete_when: The share of them.
    :raises InforuInputError: It is no share.
    """
    if isinstance(complete_when, bool) or not isinstance(complete_when, int | float):
        raise InforuInputError(f"complete_when must be a number, not {type(complete_when).__name__}")
    if not 0 < complete_when <= 1:
        raise InforuInputError(f"complete_when must be above 0 and at most 1, not {complete_when}")
    return CompletionThreshold(expected, float(complete_when))


def check_source(awaited: AwaitedSend, source: object) -> None:
    """Refuse a source that does not exist, or that this send cannot be asked of.

    :param awaited: The send.
    :param source: The source's name.
    :raises InforuInputError: The words say what to do.
    """
    if source not in get_args(SourceName):
        raise InforuInputError(f"source must be one of {', '.join(get_args(SourceName))}, not {source!r}")
    if source == "status_function" and awaited.jobs is None:
        raise InforuInputError(
            f"source='status_function' needs the RequestTokens of send {awaited.send_id}. A manifest lists "
            "them for at most 200 requests that each got one, and a send_id alone says none: use "
            "source='notifications', or split the recipients into several sends"
        )
    # The receiver cannot tell the end of a doubtful call from that of an accepted one; tokens can.
    if source == "notifications" and awaited.in_doubt and awaited.done is None:
        raise InforuInputError(
            f"send {awaited.send_id}: {awaited.in_doubt} calls are in doubt, so nobody knows how many will "
            "end. Let the operator that sends wait (wait_for_calls=True), which settles them by what "
            "arrives, or pass expected, the number of calls to wait for"
        )


def check_on_timeout(on_timeout: object) -> None:
    """Refuse what is none of the things to do when the time is over.

    :param on_timeout: The argument.
    :raises InforuInputError: It is something else.
    """
    if on_timeout not in get_args(OnTimeout):
        raise InforuInputError(
            f"on_timeout must be one of {', '.join(get_args(OnTimeout))}, not {on_timeout!r}"
        )


def check_seconds(name: str, value: object) -> None:
    """Refuse what is no length of time.

    :param name: The argument's name.
    :param value: The argument.
    :raises InforuInputError: It is no number of seconds above 0, and no such timedelta.
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
            "send is a manifest that a template turned into text: pass send=call.output, or add | tojson to "
            "the template"
        ) from None


def _read_manifest(manifest: Mapping[str, Any], expected: object) -> AwaitedSend:
    if manifest.get("dry_run") is True:
        # A DAG can be tried dry from end to end: nobody was called, so nothing is left to wait for.
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
        jobs = tuple(Job(one["request_token"], _whole(one["calls"], "calls")) for one in requests)  # type: ignore[attr-defined]
    except (TypeError, KeyError):
        raise InforuInputError(f"the manifest's requests cannot be read: {_HOW_TO}") from None
    return jobs if all(isinstance(job.request_token, str) and job.request_token for job in jobs) else None


def _read_done(calls: object) -> SendSummary | None:
    if not isinstance(calls, Mapping) or calls.get("complete") is not True:
        return None
    try:
        return SendSummary.from_json(calls)
    except ValueError as error:
        raise InforuInputError(f"the manifest's calls are no summary ({error}): {_HOW_TO}") from None


def _whole(value: object, name: str) -> int:
    text = str(value).strip()
    if isinstance(value, bool) or not isinstance(value, int | str) or not text.isdecimal():
        raise InforuInputError(f"{name} must be a number of calls: {_HOW_TO}")
    return int(text)
