"""Compares the recipients of two tries by the counts and digests in the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_inforu.ledger.ledger_reader import Header

ONLY_TEXTS = (
    "the keys are the same, but the texts differ, for example because `message` contains the current time"
)


def has_changed(stored: Header, new: Header) -> bool:
    """Return whether the recipients or their texts changed since the send began.

    :param stored: The header in the ledger.
    :param new: The header of this try's recipients.
    """
    return (stored.batches, stored.recipients, stored.recipients_digest) != (
        new.batches,
        new.recipients,
        new.recipients_digest,
    )


def has_other_texts_only(stored: Header, new: Header) -> bool:
    """Return whether the texts changed, and the keys and phones did not.

    :param stored: The header in the ledger.
    :param new: The header of this try's recipients.
    """
    before, now = list(stored.checksums), list(new.checksums)
    return stored.recipients == new.recipients and before[:2] == now[:2] and before[2:3] != now[2:3]


def describe_change(stored: Header, new: Header) -> str:
    """Describe the change of the recipients, for example ``rows were added: 3 before, 4 now``.

    :param stored: The header in the ledger.
    :param new: The header of this try's recipients. `has_changed` must be true.
    """
    if stored.recipients != new.recipients:
        change = "added" if new.recipients > stored.recipients else "removed"
        counts = f"rows were {change}: {stored.recipients} before, {new.recipients} now"
        return counts + _describe_skipped(stored, new)
    if not stored.checksums or not new.checksums:
        return "the number of rows is the same, but the rows differ" + _describe_skipped(stored, new)
    before, now = list(stored.checksums), list(new.checksums)
    if before[0] != now[0]:
        words = "the number of rows is the same, but the keys differ"
    elif before[:3] == now[:3]:
        words = "the rows are the same, but in another order"
    else:
        different = [name for index, name in ((1, "phones"), (2, "texts")) if before[index] != now[index]]
        words = f"the keys are the same, but the {' and '.join(different)} differ"
        if has_other_texts_only(stored, new):
            words = ONLY_TEXTS
    return words + _describe_skipped(stored, new)


def _describe_skipped(stored: Header, new: Header) -> str:
    if stored.skipped != new.skipped:
        return f"; rows skipped: {stored.skipped} before, {new.skipped} now"
    if len(stored.checksums) > 3 and len(new.checksums) > 3 and stored.checksums[3] != new.checksums[3]:
        return "; the number of skipped rows is the same, but other rows are skipped"
    return ""
