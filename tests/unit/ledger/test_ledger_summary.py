import pytest

from airflow_provider_inforu.ledger.ledger_reader import Header
from airflow_provider_inforu.ledger.ledger_summary import people_of_batch


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
    header = Header("5e0d", "options_digest", batches=batches, recipients=recipients, clear_generation=0)
    assert people_of_batch(header, number) == people
