"""The places of a batch in its send. Each batch has `MAX_CALLS` recipients; the last one may have fewer."""

from __future__ import annotations

from airflow_provider_inforu.capi.voice import MAX_CALLS


def count_batches(recipients: int) -> int:
    """Return the number of batches of a send.

    :param recipients: The number of recipients of the send.
    """
    return -(-recipients // MAX_CALLS)


def batch_size(number: int, recipients: int) -> int:
    """Return the number of recipients in a batch.

    :param number: Number of the batch, from 1.
    :param recipients: The number of recipients of the send.
    """
    return max(0, min(MAX_CALLS, recipients - (number - 1) * MAX_CALLS))


def batch_places(number: int, recipients: int) -> tuple[int, int]:
    """Return the positions of a batch's first and last recipient in the send, counted from 1.

    :param number: Number of the batch, from 1.
    :param recipients: The number of recipients of the send.
    """
    first = (number - 1) * MAX_CALLS + 1
    return first, first + batch_size(number, recipients) - 1
