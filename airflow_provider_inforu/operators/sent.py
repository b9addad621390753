"""What a send has come to: its batches, and what the ledger knows of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.sending.manifest import build_manifest
from airflow_provider_inforu.sending.report import Report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_inforu.sending.ledger import Ledger
    from airflow_provider_inforu.sending.plan import Batch
    from airflow_provider_inforu.sending.spool import Skipped


@dataclass(frozen=True, slots=True)
class Sent:
    """A send of which no batch is left to be sent.

    :ivar function: The vendor's function.
    :ivar batches: All batches of the send.
    :ivar skipped: The rows that were left out.
    :ivar ledger: What became of the batches.
    """

    function: str
    batches: Sequence[Batch]
    skipped: Sequence[Skipped]
    ledger: Ledger

    @property
    def send_id(self) -> str:
        """The send's id."""
        return self.ledger.header.send_id

    def report(self) -> Report:
        """Return the batches by what became of them."""
        return Report(self.send_id, self.batches, self.ledger.records)

    def manifest(self) -> dict[str, Any]:
        """Return the manifest, as plain JSON, with no summary of the calls yet."""
        return build_manifest(
            send_id=self.send_id,
            function=self.function,
            batches=self.batches,
            records=self.ledger.records,
            skipped=len(self.skipped),
        )
