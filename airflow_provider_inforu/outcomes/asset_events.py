"""The content of an asset event about new notifications: counts, and the calls by key."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.outcomes.outcome_json import outcome_to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airflow_provider_inforu.outcomes.summary import CallEvent

MAX_LISTED = 100
"""The maximum number of listed calls and sends, which bounds a row in Airflow's database."""
NO_STATUS = ""
"""The name of a missing status, as in the receiver's summary."""


def select(
    events: Iterable[CallEvent], *, send_id: str | None = None, statuses: Sequence[str] | None = None
) -> list[CallEvent]:
    """Return the notifications that match a filter.

    :param events: All notifications.
    :param send_id: Only notifications of this send; None (default) for all.
    :param statuses: Only notifications with one of these statuses; None (default) for all.
    """
    return [
        event
        for event in events
        if (send_id is None or event.send_id == send_id) and (statuses is None or event.status in statuses)
    ]


def describe(events: Sequence[CallEvent]) -> dict[str, Any]:
    """Return the content of an asset event, as plain JSON of a bounded size.

    :param events: The notifications.
    """
    sends = Counter(event.send_id for event in events if event.send_id is not None)
    ours = [event for event in events if event.send_id is not None]
    return {
        "notifications": len(events),
        "by_status": dict(Counter(event.status or NO_STATUS for event in events)),
        "by_digit": dict(Counter(event.digit for event in events if event.digit is not None)),
        "sends": dict(sends.most_common(MAX_LISTED)),
        "calls": [_call(event) for event in ours[:MAX_LISTED]],
        "not_listed": {
            "sends": max(0, len(sends) - MAX_LISTED),
            "calls": max(0, len(ours) - MAX_LISTED),
        },
    }


def _call(event: CallEvent) -> dict[str, Any]:
    return {"send_id": event.send_id, "key": event.key, **outcome_to_json(event)}
