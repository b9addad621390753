"""Skipped rows in words: grouped by reason, with their number, and named by row or key."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airflow_provider_inforu.recipients.recipient_store import Skipped

NAMES_SHOWN = 10
_ROW = "row "


def group_by_reason(skipped: Iterable[Skipped], *, keys_are_rows: bool) -> str:
    """Return reasons with their rows: ``the phone has letters in it (2 rows: keys a, b)``.

    :param skipped: The rows. Of each reason the first ten are named.
    :param keys_are_rows: Whether keys are numbers of rows.
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
    """Return ``1 row`` or ``5 rows``."""
    return "1 row" if count == 1 else f"{count} rows"


def and_more(count: int) -> str:
    """Return `` and 5 more``, or nothing for 0."""
    return f" and {count} more" if count > 0 else ""


def name_rows(numbers: Iterable[object], keys: Iterable[str] = ()) -> str:
    """Return ``rows 2, 5; key a``.

    :param numbers: Numbers of rows.
    :param keys: Keys.
    """
    return "; ".join(
        f"{word}{'s' if len(names) > 1 else ''} {', '.join(names)}"
        for word, names in (("row", [str(one) for one in numbers]), ("key", list(keys)))
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
