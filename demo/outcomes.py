"""The table at the end of the demo: who was called with what words, and how each call ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import IO, Any

from rich.cells import cell_len

HEADINGS = ("key", "text", "outcome")
GAP = "  "


@dataclass(frozen=True)
class Outcome:
    """How the call to one person ended; `status` is empty while nobody knows."""

    key: str
    text: str
    status: str
    digit: str
    seconds: int

    @property
    def words(self) -> str:
        """The outcome in a few words."""
        if not self.status:
            return "no outcome"
        details = [f"pressed {self.digit}"] if self.digit else []
        if self.seconds:
            details.append(f"{self.seconds} s")
        return f"{self.status} ({', '.join(details)})" if details else self.status


def outcomes_of(calls: Iterable[Mapping[str, Any]], send_id: str) -> list[Outcome]:
    """Pick the calls of one send and order them by the people's keys."""
    prefix = f"{send_id}-"
    found = [
        Outcome(
            key=str(call["message_id"]).removeprefix(prefix),
            text=str(call["text"] or ""),
            status=str(call["status"] or ""),
            digit=str(call["digit"] or ""),
            seconds=int(call["seconds"] or 0),
        )
        for call in calls
        if str(call["message_id"]).startswith(prefix)
    ]
    return sorted(found, key=lambda outcome: outcome.key)


def print_table(outcomes: Iterable[Outcome], out: IO[str]) -> None:
    """Print a line for each person, in columns that also fit Hebrew."""
    rows = [HEADINGS, *((one.key, one.text, one.words) for one in outcomes)]
    widths = [max(cell_len(cell) for cell in column) for column in zip(*rows, strict=True)]
    rows.insert(1, ("-" * widths[0], "-" * widths[1], "-" * widths[2]))
    for row in rows:
        # str.ljust counts the vowel points of Hebrew, which take no room.
        cells = [cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)]
        print(GAP.join(cells).rstrip(), file=out)
