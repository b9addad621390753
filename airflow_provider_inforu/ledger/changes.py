"""What changed between the recipients of two tries, as far as a ledger's digests tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_inforu.ledger.ledger_reader import Header

ONLY_TEXTS = (
    "the keys are the same, but the texts differ: `message` must give the same text in every try, so do not "
    "use the current time in it"
)


def has_changed(stored: Header, new: Header) -> bool:
    """Return whether the recipients or their texts are not those with which a send began.

    :param stored: The send as the ledger has it.
    :param new: The send as this try would begin it.
    """
    return (stored.batches, stored.recipients, stored.recipients_digest) != (
        new.batches,
        new.recipients,
        new.recipients_digest,
    )


def has_other_texts_only(stored: Header, new: Header) -> bool:
    """Return whether only the texts of the same recipients changed.

    :param stored: The send as the ledger has it.
    :param new: The send as this try would begin it.
    """
    before, now = list(stored.checksums), list(new.checksums)
    return stored.recipients == new.recipients and before[:2] == now[:2] and before[2:3] != now[2:3]


def describe_change(stored: Header, new: Header) -> str:
    """Return what changed, in words, for example ``rows were added: 3 before, 4 now``.

    :param stored: The send as the ledger has it.
    :param new: The send as this try would begin it; `has_changed` is true.
    """
    if stored.recipients != new.recipients:
        change = "added" if new.recipients > stored.recipients else "removed"
        counts = f"rows were {change}: {stored.recipients} before, {new.recipients} now"
        return counts + _describe_skipped(stored, new)
    if not stored.checksums or not new.checksums:
        return "as many rows, and they differ" + _describe_skipped(stored, new)
    before, now = list(stored.checksums), list(new.checksums)
    if before[0] != now[0]:
        words = "as many rows, with other keys"
    elif before[:3] == now[:3]:
        words = "the same rows in another order"
    else:
        different = [name for place, name in ((1, "phones"), (2, "texts")) if before[place] != now[place]]
        words = f"the same keys with other {' and '.join(different)}"
        if has_other_texts_only(stored, new):
            words = ONLY_TEXTS
    return words + _describe_skipped(stored, new)


def _describe_skipped(stored: Header, new: Header) -> str:
    if stored.skipped != new.skipped:
        return f"; rows skipped: {stored.skipped} before, {new.skipped} now"
    if len(stored.checksums) > 3 and len(new.checksums) > 3 and stored.checksums[3] != new.checksums[3]:
        return "; other rows are skipped or suppressed"
    return ""
