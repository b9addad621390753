"""The places of a batch in its send."""

import pytest

from airflow_provider_inforu.capi.batch_places import batch_places, batch_size, count_batches


@pytest.mark.parametrize(
    ("batches", "recipients", "number", "people"),
    [
        (1, 1, 1, (1, 1)),
        (1, 100, 1, (1, 100)),
        (2, 101, 1, (1, 100)),
        (2, 101, 2, (101, 101)),
        (50, 5000, 21, (2001, 2100)),
        (50, 5000, 50, (4901, 5000)),
    ],
)
def test_a_batch_holds_a_hundred_people_and_the_last_one_the_rest(batches, recipients, number, people):
    assert batch_places(number, recipients) == people
    assert batch_size(number, recipients) == people[1] - people[0] + 1
    assert count_batches(recipients) == batches
