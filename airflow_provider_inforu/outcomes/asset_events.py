"""What an asset event says of notifications that arrived: counts, and whom they are about by key."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airflow_provider_inforu.outcomes.summary import CallEvent

MAX_LISTED = 100
"""An asset event is a row in Airflow's database: it lists so many calls and sends, and counts the others."""
NO_STATUS = ""
"""As in the receiver's summary."""


def select(
    events: Iterable[CallEvent], *, send_id: str | None = None, statuses: Sequence[str] | None = None
) -> list[CallEvent]:
    """Return the notifications that are asked for.

    :param events: All that arrived.
    :param send_id: Only those of this send; None for all.
    :param statuses: Only those with one of these; None for all.
    """
    return [
        event
        for event in events
        if (send_id is None or event.send_id == send_id) and (statuses is None or event.status in statuses)
    ]


def describe(events: Sequence[CallEvent]) -> dict[str, Any]:
    """Return what an asset event says, as plain JSON of a bounded size.

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
    return {
        "send_id": event.send_id,
        "key": event.key,
        "status": event.status,
        "seconds": event.seconds,
        "digit": event.digit,
        "campaign_id": event.campaign_id,
        "ended_at": event.ended_at.isoformat() if event.ended_at else None,
    }
