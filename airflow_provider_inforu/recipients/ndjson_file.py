"""Reads the rows of an NDJSON file, which has a JSON object on each line."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.capi.phones import RoundedNumber
from airflow_provider_inforu.recipients.input_rows import BadRow, Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_KINDS = {list: "list", str: "text", bool: "boolean", type(None): "null"}
_WITH_EXPONENT = re.compile(r"-?\d+(?:\.(?P<fraction>\d+))?[eE]\+?(?P<exponent>\d+)")
_FROM, _BELOW = 1e6, 1e16
"""Programs round numbers from seven digits on. Python writes whole floats with an exponent from 1e16."""


def ndjson_rows(lines: Iterable[str], name: str) -> Iterator[Row]:
    """Yield the rows. The objects may have different fields.

    :param lines: The lines of the file.
    :param name: Name of the file, for unreadable rows.
    """
    reader = _ObjectReader()
    for number, line in enumerate(lines, start=1):
        if line.isspace():
            continue
        try:
            row = reader.read(line)
        except (ValueError, RecursionError):
            yield BadRow(name, number, "the line is not valid JSON")
            continue
        if not isinstance(row, dict):
            kind = _KINDS.get(type(row), "number")
            yield BadRow(name, number, f"the line is a JSON {kind}, not an object")
        elif reader.repeats_a_name:
            yield BadRow(name, number, "the line has the same field name twice")
        else:
            yield row


class _ObjectReader:
    """Reads lines of JSON with one decoder.

    :ivar repeats_a_name: Whether the object of the last line has two fields of the same name.
    """

    repeats_a_name = False

    def __init__(self) -> None:
        decoder = json.JSONDecoder(parse_float=_read_number, object_pairs_hook=self._build_object)
        self.read = decoder.decode

    def _build_object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        self.repeats_a_name = len(found) < len(pairs)  # the outer object is built last
        return found


def _read_number(text: str) -> float:
    number = float(text)
    if _FROM <= abs(number) < _BELOW and (found := _WITH_EXPONENT.fullmatch(text)):
        is_rounded = len(found["fraction"] or "") < int(found["exponent"])
        return RoundedNumber(number) if is_rounded else number
    return number
