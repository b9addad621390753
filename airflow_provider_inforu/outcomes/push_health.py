"""The health of a connection's pushes, as the receiver reports it, with advice for missing notifications."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from airflow_provider_inforu.outcomes.json_fields import read_count, read_counts, read_mapping, read_time

if TYPE_CHECKING:
    from collections.abc import Mapping

_QUIET = dt.timedelta(days=1)
_REFUSALS = dt.timedelta(hours=1)
"""The time over which the receiver counts refused pushes."""
_WRONG_SECRET = "wrong_secret"  # noqa: S105 - a reason
_UNKNOWN_CONNECTION = "unknown_connection"
_WORDS = {
    _WRONG_SECRET: "wrong or missing secret",
    _UNKNOWN_CONNECTION: "unknown connection name",
    "address_not_allowed": "address not allowed",
    "too_large": "body too large",
    "not_stored": "not stored, see the receiver's log",
}
_ADVICE = {
    _WRONG_SECRET: "Set the secret in the address at Inforu to notification_secret of the connection.",
    "address_not_allowed": "Check [inforu] receiver_allowed_addresses.",
    "too_large": "Check [inforu] receiver_max_body_bytes.",
    "not_stored": "Check the database of the receiver.",
}


@dataclass(frozen=True, slots=True)
class PushHealth:
    """The health of a connection's pushes.

    :ivar last_push_at: When the connection's last push was stored, in UTC; None if never.
    :ivar refused: The refused pushes to the connection in the last hour, counted by reason.
    :ivar other_connections: The number of other connections with a stored push in the last hour.
    :ivar refused_elsewhere: The refused pushes to all other names in the last hour, counted by reason.
    """

    last_push_at: dt.datetime | None = None
    refused: Mapping[str, int] = field(default_factory=dict)
    other_connections: int = 0
    refused_elsewhere: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Return the health from the receiver's response.

        :param value: A JSON value.
        :raises ValueError: A field is invalid; the message names it.
        """
        fields = read_mapping(value, "the health of pushes")
        elsewhere = read_mapping(fields.get("elsewhere"), "elsewhere")
        return cls(
            last_push_at=read_time(fields, "last_push_at"),
            refused=read_counts(fields, "refused"),
            other_connections=read_count(elsewhere.get("connections"), "connections"),
            refused_elsewhere=read_counts(elsewhere, "refused"),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the health as plain JSON."""
        return {
            "last_push_at": self.last_push_at.isoformat() if self.last_push_at else None,
            "refused": dict(self.refused),
            "other_connections": self.other_connections,
            "refused_elsewhere": dict(self.refused_elsewhere),
        }

    def is_suspicious(self, now: dt.datetime) -> bool:
        """Return whether the receiver refused pushes that were probably meant for the connection.

        Refused pushes to other names count only if the connection received no push for a day.

        :param now: The current time, with a time zone.
        """
        is_quiet = self.last_push_at is None or now - self.last_push_at > _QUIET
        return bool(self.refused or (self.refused_elsewhere and is_quiet))

    def describe(self, conn_id: str, now: dt.datetime) -> str:
        """Return sentences about the last push and refused pushes, with advice.

        :param conn_id: The connection.
        :param now: The current time, with a time zone.
        """
        sentences = [self._describe_last_push(conn_id, now)]
        if self.refused:
            sentences.append(
                f"In the last hour the receiver refused {_pushes(self.refused)} to this connection: "
                f"{_reasons(self.refused)}."
            )
            sentences += self._advise(now)
        if self.refused_elsewhere:
            sentences.append(
                f"In the last hour the receiver refused {_pushes(self.refused_elsewhere)} to other names: "
                f"{_reasons(self.refused_elsewhere)}."
            )
        if self.refused_elsewhere and not self._has_recent_push(now):
            sentences.append("Check that the address at Inforu names this connection.")
        if self.other_connections and not self.refused:
            one = self.other_connections == 1
            sentences.append(
                f"In the last hour {self.other_connections} other connection{'' if one else 's'} received "
                "pushes. Inforu has one address per account: use the connection that it names."
            )
        if self.last_push_at is None and len(sentences) == 1:
            sentences.append("Check the address at Inforu, and that Inforu can reach the receiver.")
        return " ".join(sentences)

    def _has_recent_push(self, now: dt.datetime) -> bool:
        return self.last_push_at is not None and now - self.last_push_at < _REFUSALS

    def _advise(self, now: dt.datetime) -> list[str]:
        if self._has_recent_push(now):
            return ["Other pushes of this hour were stored. Find out who sent the refused pushes."]
        return [advice for reason, advice in _ADVICE.items() if reason in self.refused]

    def _describe_last_push(self, conn_id: str, now: dt.datetime) -> str:
        if self.last_push_at is None:
            return f"The receiver has never stored a push for the connection {conn_id!r}."
        ago = _ago((now - self.last_push_at).total_seconds())
        at = f"{self.last_push_at:%Y-%m-%d %H:%M:%S} UTC"
        return f"The receiver stored the last push for the connection {conn_id!r} at {at} ({ago})."


def _pushes(counts: Mapping[str, int]) -> str:
    total = sum(counts.values())
    return "1 push" if total == 1 else f"{total} pushes"


def _reasons(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{_WORDS.get(reason, reason)} ({count})" for reason, count in counts.items())


def _ago(seconds: float) -> str:
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            number = int(seconds // length)
            return f"{number} {unit}{'' if number == 1 else 's'} ago"
    return "less than a minute ago"
