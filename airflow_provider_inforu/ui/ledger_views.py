"""Convert the ledger of a send to the values that the pages show, and name its requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from airflow_provider_inforu.capi.batch_places import batch_places
from airflow_provider_inforu.ledger.batch_state import BatchState
from airflow_provider_inforu.ledger.ledger_summary import summarise
from airflow_provider_inforu.ui.call_views import BatchView, PeopleCounts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_inforu.ledger.batch_state import BatchRecord
    from airflow_provider_inforu.ledger.ledger_reader import Header

_STATES: dict[BatchState, Literal["in doubt", "accepted", "rejected"]] = {
    BatchState.SUBMITTING: "in doubt",
    BatchState.ACCEPTED: "accepted",
    BatchState.REJECTED: "rejected",
}


def count_people(header: Header, records: Mapping[int, BatchRecord]) -> PeopleCounts:
    """Return the number of people of a send in each state.

    :param header: The header of the ledger.
    :param records: The record of each batch that was begun.
    """
    people = summarise(header, records)["people"]
    return PeopleCounts(header.recipients, skipped=header.skipped, **people)


def view_batches(
    header: Header,
    records: Mapping[int, BatchRecord],
    keys: Mapping[int, Sequence[str]],
    ended: Mapping[int, int],
) -> list[BatchView]:
    """Return the batches of a send, in order.

    :param header: The header of the ledger.
    :param records: The record of each batch that was begun.
    :param keys: The stored keys of the people, by batch.
    :param ended: The number of people with a result, by batch.
    """
    batches = []
    for number in range(1, header.batches + 1):
        first, last = batch_places(number, header.recipients)
        record = records.get(number)
        batches.append(
            BatchView(
                number,
                first,
                last,
                "not sent" if record is None else _STATES[record.state],
                (record.reason or "") if record else "",
                _name_request(header, record) if record else "",
                keys.get(number, ()),
                ended.get(number, 0),
            )
        )
    return batches


def are_in_doubt(header: Header, records: Mapping[int, BatchRecord], requests: Mapping[int, str]) -> bool:
    """Return whether all these requests are still in doubt, and no later request replaced one of them.

    :param header: The header of the ledger.
    :param records: The record of each batch that was begun.
    :param requests: The requests that a person saw, by the number of their batch.
    """
    in_doubt = {
        number: _name_request(header, record)
        for number, record in records.items()
        if record.state is BatchState.SUBMITTING
    }
    return requests.items() <= in_doubt.items()


def _name_request(header: Header, record: BatchRecord) -> str:
    """Return a name of a request that no other send has. A deleted run may be created again with its ID."""
    return f"{header.send_id}.{record.request}"
