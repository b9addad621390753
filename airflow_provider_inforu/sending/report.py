"""Describes a send for errors and logs: counts of recipients by state, their keys, and reasons."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from airflow_provider_inforu.sending.result import SendResult

LONGEST_ERROR = 1000
"""Characters. Airflow shows an error in one line without wrapping."""
LONGEST_KEYS = 200
LONGEST_REASON = 200
MOST_KEYS_READ = 10_000
REASONS_SHOWN = 2
MAY_RING = "in doubt (unknown if called)"

_NUMBERED = re.compile(r"(.*?)(0|[1-9][0-9]{0,17})")


def describe_counts(result: SendResult, *, see: str, not_sent_because: object = None) -> str:
    """Return the number of recipients in each state, with their keys if the list is short.

    :param result: The send.
    :param see: Where to find all keys, for example ``see the report at …``. It replaces a long list.
    :param not_sent_because: The reason for unsent batches, as a clause. None (default): no reason.
    """
    accepted = result.count(result.accepted)
    sentences = [f"{accepted} recipient{'' if accepted == 1 else 's'} {_were(accepted)} accepted"]
    if in_doubt := result.count(result.in_doubt):
        sentences.append(
            f"{in_doubt} {'is' if in_doubt == 1 else 'are'} {MAY_RING}: "
            f"{_keys(result, result.in_doubt, see)} ({_batches(result.in_doubt)})"
        )
    sentences += _describe_rejected(result, see)
    if count := result.count(result.unsent):
        because = f", because {_cut(str(not_sent_because), LONGEST_REASON)}" if not_sent_because else ""
        unsent = f"{count} {_were(count)} not sent{because}"
        keys = _keys(result, result.unsent, "")
        sentences.append(f"{unsent}: {keys}" if keys else unsent)
    return ". ".join(sentences)


def join_error(*sentences: str) -> str:
    """Join sentences to the text of an error. Cut it at `LONGEST_ERROR` characters.

    :param sentences: The sentences, the most important one first. Empty sentences are left out.
    """
    return _cut(". ".join(sentence.rstrip(".") for sentence in sentences if sentence), LONGEST_ERROR)


def name_campaigns(result: SendResult) -> str:
    """Return text such as ``campaign 7``, with which a person finds the campaigns in the Inforu portal."""
    ids = sorted({record.campaign_id for record in result.records.values() if record.campaign_id is not None})
    if not ids:
        return "the campaign"
    if len(ids) == 1:
        return f"campaign {ids[0]}"
    return "campaigns " + _cut(", ".join(map(str, ids)), 60)


def lines_of_people(result: SendResult, numbers: Iterable[int]) -> Iterator[str]:
    """Yield a line for the log for each batch, with the keys of all its recipients.

    :param result: The send.
    :param numbers: Numbers of the batches.
    """
    for number in numbers:
        keys = result.read_keys(number)
        if keys is None:
            yield f"batch {number} ({result.places(number)}; this try does not know their keys)"
        else:
            yield f"{', '.join(keys)} (batch {number})"


def list_ranges(names: Iterable[str]) -> str:
    """Join names to ranges of consecutive numbers, such as ``101-200, 305`` or ``k1 to k100``.

    :param names: Keys of recipients or numbers of batches, in their order.
    """
    runs: list[list[str]] = []
    expected = None
    for name in names:
        if name == expected:
            runs[-1][1:] = [name]
        else:
            runs.append([name])
        found = _NUMBERED.fullmatch(name)
        expected = f"{found[1]}{int(found[2]) + 1}" if found else None
    return ", ".join((" to " if not run[0].isdecimal() else "-").join(run) for run in runs)


def _describe_rejected(result: SendResult, see: str) -> list[str]:
    by_reason: dict[str, list[int]] = {}
    for number in result.rejected:
        by_reason.setdefault(result.records[number].reason or "no reason", []).append(number)
    sentences = []
    for reason, numbers in list(by_reason.items())[:REASONS_SHOWN]:
        count = result.count(numbers)
        rejected = f"{count} {_were(count)} rejected ({_cut(reason, LONGEST_REASON)})"
        sentences.append(f"{rejected}: {_keys(result, numbers, see)}")
    others = [number for numbers in list(by_reason.values())[REASONS_SHOWN:] for number in numbers]
    if count := result.count(others):
        sentences.append(f"{count} {_were(count)} rejected for other reasons: {see}")
    return sentences


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _keys(result: SendResult, numbers: Sequence[int], see: str) -> str:
    if result.count(numbers) > MOST_KEYS_READ:
        return see
    found = [result.read_keys(number) for number in numbers]
    keys = [key for names in found if names is not None for key in names]
    if len(keys) != result.count(numbers):
        return see
    text = list_ranges(keys)
    if len(text) > LONGEST_KEYS:
        return see
    return f"key{'s' if len(keys) > 1 else ''} {text}"


def _batches(numbers: Sequence[int]) -> str:
    return f"batch{'es' if len(numbers) > 1 else ''} {_cut(list_ranges(map(str, numbers)), 100)}"


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
