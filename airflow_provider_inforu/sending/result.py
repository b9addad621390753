"""The result of a send, from its ledger: the batches by state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_inforu.capi.batch_places import batch_places, batch_size
from airflow_provider_inforu.ledger.batch_state import BatchState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from airflow_provider_inforu.ledger.batch_state import BatchRecord
    from airflow_provider_inforu.ledger.ledger_reader import Header


def no_keys(_number: int) -> None:
    """Return None: the keys of no batch are known."""


@dataclass(frozen=True, slots=True)
class SendResult:
    """The result of a send so far.

    :ivar header: The header in the ledger.
    :ivar records: The records in the ledger, by batch number.
    :ivar read_keys: Returns the keys of a batch's recipients, or None if they are unknown.
    """

    header: Header
    records: Mapping[int, BatchRecord]
    read_keys: Callable[[int], Sequence[str] | None] = no_keys

    @property
    def send_id(self) -> str:
        """ID of the send."""
        return self.header.send_id

    @property
    def accepted(self) -> list[int]:
        """The numbers of the accepted batches."""
        return self._in_state(BatchState.ACCEPTED)

    @property
    def rejected(self) -> list[int]:
        """The numbers of the rejected batches."""
        return self._in_state(BatchState.REJECTED)

    @property
    def in_doubt(self) -> list[int]:
        """The numbers of the batches in doubt: their intent is logged, and their result is unknown."""
        return self._in_state(BatchState.SUBMITTING)

    @property
    def resendable(self) -> list[int]:
        """The numbers of the batches in doubt that Inforu did not refuse when they were sent again."""
        return [number for number in self.in_doubt if self.records[number].reason is None]

    @property
    def unsent(self) -> list[int]:
        """The numbers of the unsent batches."""
        return [number for number in range(1, self.header.batches + 1) if number not in self.records]

    def count(self, numbers: Iterable[int]) -> int:
        """Return the number of recipients in some batches.

        :param numbers: Numbers of the batches.
        """
        return sum(batch_size(number, self.header.recipients) for number in numbers)

    def places(self, number: int) -> str:
        """Describe the recipients of a batch by their position, for a batch with unknown keys.

        :param number: Number of the batch, from 1.
        """
        first, last = batch_places(number, self.header.recipients)
        return f"recipients {first}-{last} in the order of the rows, without skipped rows"

    def _in_state(self, state: BatchState) -> list[int]:
        return sorted(number for number, record in self.records.items() if record.state is state)
