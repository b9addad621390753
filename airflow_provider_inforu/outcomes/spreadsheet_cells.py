"""Cells of a CSV file that a spreadsheet shows as text. Keys and outcomes are untrusted text."""

from __future__ import annotations

import re

_FORMULA = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
"""What a spreadsheet would run as a formula, after any number of quotes. The last four are full-width."""


def to_cell(value: object) -> object:
    """Return a value that a spreadsheet does not run as a formula."""
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def from_cell(cell: str) -> str:
    """Return the original text of a cell that `to_cell` returned."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
