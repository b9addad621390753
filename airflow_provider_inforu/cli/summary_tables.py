"""The tables of ``airflow inforu sends show``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def header_rows(summary: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the summary's totals as rows of a table."""
    totals = {
        "send": summary["send_id"],
        "recipients": _people_in_batches(summary["recipients"], summary["requests"]),
        **{
            name.replace("_", " "): _people_in_batches(summary["people"][name], count)
            for name, count in summary["batches"].items()
        },
        "attempts": summary["attempts"],
        "campaigns": ", ".join(map(str, summary["campaign_ids"])) or "unknown",
    }
    return [{"what": name, "value": str(value)} for name, value in totals.items()]


def batch_rows(summary: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the batches that need a decision or a correction as rows of a table."""
    in_doubt = [(number, "in doubt", "the reply is unknown") for number in summary["in_doubt"]]
    rejected = [(batch["batch"], "rejected", batch["reason"]) for batch in summary["rejected"]]
    return [
        {
            "batch": str(number),
            "people": "{} to {}".format(*summary["batch_people"][str(number)]),
            "state": state,
            "reason": reason,
        }
        for number, state, reason in sorted(in_doubt + rejected)
    ]


def _people_in_batches(people: int, batches: int) -> str:
    return (
        f"{people} {'person' if people == 1 else 'people'} in {batches} batch{'' if batches == 1 else 'es'}"
    )
