"""Rows of an NDJSON file: a JSON object on each line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from airflow_provider_inforu.recipients.input_rows import BadRow, Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_KINDS = {list: "list", str: "text", int: "number", float: "number", bool: "boolean", type(None): "null"}


def ndjson_rows(lines: Iterable[str], name: str) -> Iterator[Row]:
    """Read the rows. An object may lack a field that others have.

    :param lines: The file's lines.
    :param name: The file's name, for the rows that cannot be read.
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
