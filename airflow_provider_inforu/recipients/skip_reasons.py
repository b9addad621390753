"""Describes skipped rows for messages: grouped by reason, with their count and their keys or rows."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airflow_provider_inforu.recipients.recipient_store import Skipped

NAMES_SHOWN = 10
_ROW = "row "


def group_by_reason(skipped: Iterable[Skipped], *, keys_are_rows: bool) -> str:
    """Return reasons with their rows, such as ``the phone has letters in it (2 rows: keys a, b)``.

    :param skipped: The skipped rows. The text lists the first `NAMES_SHOWN` rows of each reason.
    :param keys_are_rows: Whether the keys are row numbers.
    """
    named: dict[str, list[Skipped]] = {}
    counts: Counter[str] = Counter()
    for item in skipped:
        counts[item.reason] += 1
        if counts[item.reason] <= NAMES_SHOWN:
            named.setdefault(item.reason, []).append(item)
    return "; ".join(
        f"{reason} ({_name(items, counts[reason], keys_are_rows=keys_are_rows)})"
        for reason, items in named.items()
    )


def count_rows(count: int) -> str:
    """Return text such as ``1 row`` or ``5 rows``."""
    return "1 row" if count == 1 else f"{count} rows"


def and_more(count: int) -> str:
    """Return text such as `` and 5 more``. For 0, return an empty text."""
    return f" and {count} more" if count > 0 else ""


def name_rows(numbers: Iterable[object], keys: Iterable[str] = ()) -> str:
    """Return text such as ``rows 2, 5; key a``.

    :param numbers: Row numbers.
    :param keys: Keys of recipients. Default: no keys.
    """
    return "; ".join(
        f"{word}{'s' if len(names) > 1 else ''} {', '.join(names)}"
        for word, names in (("row", [str(number) for number in numbers]), ("key", list(keys)))
        if names
    )


def _name(items: Sequence[Skipped], count: int, *, keys_are_rows: bool) -> str:
    rows: list[str] = []
    keys: list[str] = []
    places: list[str] = []
    for item in items:
        if item.is_key:
            (rows if keys_are_rows else keys).append(item.key)
        elif item.key.startswith(_ROW):
            rows.append(item.key.removeprefix(_ROW))
        else:
            places.append(item.key)
    names = "; ".join(filter(None, (name_rows(rows, keys), ", ".join(places))))
    if count == 1:
        return names
    return f"{count} rows: {names.removeprefix('rows ')}{and_more(count - len(items))}"
