"""What became of a send: its batches by state, from the ledger alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_inforu.ledger.batch_state import BatchState
from airflow_provider_inforu.recipients.batches import batch_places, batch_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from airflow_provider_inforu.ledger.batch_state import BatchRecord
    from airflow_provider_inforu.ledger.ledger_reader import Header


def no_keys(_number: int) -> None:
    """Return no keys, where those of no batch are known."""


@dataclass(frozen=True, slots=True)
class SendResult:
    """The result of a send so far.

    :ivar header: What the ledger says of the send.
    :ivar records: What the ledger says of each batch, by number.
    :ivar keys_of: Returns the keys of a batch; None where they are not known.
    """

    header: Header
    records: Mapping[int, BatchRecord]
    read_keys: Callable[[int], Sequence[str] | None] = no_keys

    @property
    def send_id(self) -> str:
        """The send's id."""
        return self.header.send_id

    @property
    def accepted(self) -> list[int]:
        """The numbers of the batches that were accepted."""
        return self._in_state(BatchState.ACCEPTED)

    @property
    def rejected(self) -> list[int]:
        """The numbers of the batches that were rejected."""
        return self._in_state(BatchState.REJECTED)

    @property
    def in_doubt(self) -> list[int]:
        """The numbers of the batches whose request left and whose answer is not known."""
        return self._in_state(BatchState.SUBMITTING)

    @property
    def resendable(self) -> list[int]:
        """The numbers of the batches in doubt that Inforu did not refuse when they were sent again."""
        return [number for number in self.in_doubt if self.records[number].reason is None]

    @property
    def unsent(self) -> list[int]:
        """The numbers of the batches that were not sent."""
        return [number for number in range(1, self.header.batches + 1) if number not in self.records]

    def count(self, numbers: Iterable[int]) -> int:
        """Return how many recipients batches have.

        :param numbers: The batches.
        """
        return sum(batch_size(number, self.header.recipients) for number in numbers)

    def places(self, number: int) -> str:
        """Return which recipients a batch holds, where their keys are not known.

        :param number: The batch.
        """
        first, last = batch_places(number, self.header.recipients)
        return f"recipients {first}-{last} in the order of the rows, skipped rows not counted"

    def _in_state(self, state: BatchState) -> list[int]:
        return sorted(number for number, record in self.records.items() if record.state is state)
