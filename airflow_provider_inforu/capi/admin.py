"""The requests and responses of the quota function. Reading the quota calls nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_inforu.capi.envelope import Reply, as_int, as_printable_text, get_field

GET_QUOTA = "Admin/GetQuota"
VOICE_QUOTA = "IVR"
"""The vendor's name of the quota for voice calls."""


@dataclass(frozen=True, slots=True)
class Quota:
    """One row of the vendor's quota response.

    :ivar usage: ``IVR`` for voice, ``SMS`` or ``Email``.
    :ivar kind: ``Packages``, ``Monthly`` or ``Unlimited``.
    :ivar remaining: The remaining quota, in calls; None if the response has no number.
    :ivar warning_level: The vendor warns below this number; None if the response has no number.
    """

    usage: str
    kind: str
    remaining: int | None
    warning_level: int | None

    def __str__(self) -> str:
        """Return the row as readable text: ``IVR: 250 left (Packages)``."""
        if self.kind.casefold() == "unlimited":
            return f"{self.usage}: unlimited"
        left = "an unknown number" if self.remaining is None else str(self.remaining)
        return f"{self.usage}: {left} left ({self.kind or 'kind not given'})"


def quota_data(
    *, usage: str = VOICE_QUOTA, level: str = "User", level_value: str | None = None
) -> dict[str, Any]:
    """Return the field ``Data`` of ``Admin/GetQuota`` (source: the vendor's other documents).

    :param usage: ``IVR`` (default), ``SMS``, ``Email``, or empty for all.
    :param level: ``Partner``, ``Customer``, ``Project`` or ``User`` (default).
    :param level_value: The name or number of another partner, customer, project or user; None for your own.
    """
    return {"QuotaUsageType": usage, "Level": level, "LevelValue": level_value or ""}


def read_quota(reply: Reply) -> list[Quota]:
    """Return the quota rows of a response. Rows that are not objects are ignored.

    :param reply: The response of ``Admin/GetQuota``.
    """
    rows = get_field(reply.data, "List")
    return [_row(row) for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []


def _row(row: Mapping[str, Any]) -> Quota:
    return Quota(
        usage=as_printable_text(get_field(row, "QuotaUsageType")) or "",
        kind=as_printable_text(get_field(row, "QuotaType")) or "",
        remaining=as_int(get_field(row, "RemainingQuota")),
        warning_level=as_int(get_field(row, "WarningLevel")),
    )
