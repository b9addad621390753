"""Reads the rows of an NDJSON file, which has a JSON object on each line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from airflow_provider_inforu.recipients.input_rows import BadRow, Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_KINDS = {list: "list", str: "text", int: "number", float: "number", bool: "boolean", type(None): "null"}


def ndjson_rows(lines: Iterable[str], name: str) -> Iterator[Row]:
    """Yield the rows. The objects may have different fields.

    :param lines: The lines of the file.
    :param name: Name of the file, for unreadable rows.
    """
    for number, line in enumerate(lines, start=1):
        if line.isspace():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            yield BadRow(name, number, "the line is not valid JSON")
            continue
        if isinstance(row, dict):
            yield row
        else:
            yield BadRow(name, number, f"the line is a JSON {_KINDS[type(row)]}, not an object")
