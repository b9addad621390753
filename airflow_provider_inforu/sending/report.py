"""What a send that did not end well says: who was called, who was not, who perhaps, and what to do."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from airflow_provider_inforu.sending.batch_state import BatchState
from airflow_provider_inforu.sending.recipients import list_keys

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airflow_provider_inforu.capi.errors import InforuError
    from airflow_provider_inforu.sending.batch_state import BatchRecord
    from airflow_provider_inforu.sending.plan import Batch

KEYS_SHOWN = 1000
"""So many keys fit in an error; the log has the others."""


class Report:
    """The batches of a send by what became of them.

    :param send_id: The send.
    :param batches: All its batches.
    :param records: What the ledger knows of them.
    """

    def __init__(self, send_id: str, batches: Sequence[Batch], records: Mapping[int, BatchRecord]) -> None:
        self._send_id = send_id
        self._records = records
        self.unsent = [batch for batch in batches if batch.number not in records]
        self.accepted = self._with(batches, BatchState.ACCEPTED)
        self.rejected = self._with(batches, BatchState.REJECTED)
        self.in_doubt = self._with(batches, BatchState.SUBMITTING)

    @staticmethod
    def lines_of_keys(batches: Sequence[Batch]) -> Iterator[str]:
        """Yield all keys of batches, in lines for the log."""
        keys = _iter_keys(batches)
        while line := list(islice(keys, KEYS_SHOWN)):
            yield ", ".join(line)

    def _with(self, batches: Sequence[Batch], state: BatchState) -> list[Batch]:
        return [
            one for one in batches if one.number in self._records and self._records[one.number].state is state
        ]

    def describe(self, stopped_by: InforuError | None = None) -> str:
        """Return it for a person: counts, reasons, and the keys of all whose call is not certain.

        :param stopped_by: Why batches were left unsent.
        """
        parts = [f"send {self._send_id}: {_people(self.accepted)} were accepted"]
        for batch in self.rejected:
            reason = self._records[batch.number].reason
            parts.append(f"{_people([batch])} were rejected, {_keys([batch])} ({reason})")
        if self.in_doubt:
            numbers = ", ".join(str(batch.number) for batch in self.in_doubt)
            parts.append(
                f"{_people(self.in_doubt)} are in doubt, they may ring or not: {_keys(self.in_doubt)} "
                f"(batches {numbers})"
            )
        if self.unsent:
            parts.append(
                f"{_people(self.unsent)} were not sent, because {stopped_by}: {_keys(self.unsent, shown=3)}"
            )
        return ". ".join(parts)


def _people(batches: Sequence[Batch]) -> str:
    return str(_count(batches))


def _count(batches: Sequence[Batch]) -> int:
    return sum(len(batch.recipients) for batch in batches)


def _iter_keys(batches: Sequence[Batch]) -> Iterator[str]:
    return (key for batch in batches for key in batch.keys)


def _keys(batches: Sequence[Batch], shown: int = KEYS_SHOWN) -> str:
    return f"key{'s' if _count(batches) > 1 else ''} {list_keys(_iter_keys(batches), shown)}"
