"""The table at the end of the demo: who was called with what words, and how each call ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from rich.cells import cell_len

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_inforu.outcomes.summary import CallResult

HEADINGS = ("key", "text", "outcome", "called again")
GAP = "  "


@dataclass(frozen=True)
class Outcome:
    """How the call to one person ended, and the second one where there was one."""

    key: str
    text: str
    first: CallResult
    again: CallResult | None = None

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """The line of the table."""
        return self.key, self.text, _words(self.first), _words(self.again) if self.again else ""


def _words(call: CallResult) -> str:
    details = [f"pressed {call.digit}"] if call.digit else []
    if call.seconds:
        details.append(f"{call.seconds} s")
    return f"{call.status} ({', '.join(details)})" if details else str(call.status)


def print_table(outcomes: Iterable[Outcome], out: IO[str]) -> None:
    """Print a line for each person, in columns that also fit Hebrew."""
    rows: list[tuple[str, ...]] = [HEADINGS, *(one.cells for one in outcomes)]
    widths = [max(cell_len(cell) for cell in column) for column in zip(*rows, strict=True)]
    rows.insert(1, tuple("-" * width for width in widths))
    for row in rows:
        # str.ljust counts the vowel points of Hebrew, which take no room.
        cells = [cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)]
        print(GAP.join(cells).rstrip(), file=out)
