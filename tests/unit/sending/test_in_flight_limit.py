import pytest

from airflow_provider_inforu.sending.in_flight_limit import LEAST_IN_FLIGHT, InFlightLimit


def limit_after(*seconds, requests_per_second=30, most=128):
    limit = InFlightLimit(requests_per_second, most)
    for one in seconds:
        limit.add_answer(one)
    return limit.current()


def test_a_send_begins_with_few_requests_in_flight():
    assert limit_after() == LEAST_IN_FLIGHT


@pytest.mark.parametrize(
    ("latency", "expected"), [(0.05, 16), (0.2, 16), (1, 45), (2, 90), (4, 128), (60, 128)]
)
def test_the_slower_the_vendor_the_more_requests_are_in_flight(latency, expected):
    assert limit_after(*[latency] * 50) == expected


def test_a_vendor_that_becomes_fast_again_lowers_the_limit():
    assert limit_after(*[4] * 50, *[0.05] * 50) == LEAST_IN_FLIGHT


def test_one_slow_answer_among_many_changes_little():
    assert limit_after(*[0.2] * 31, 10) <= 32


def test_the_argument_of_the_operator_is_never_exceeded():
    assert limit_after(*[4] * 50, most=3) == 3


def test_without_a_rate_limit_the_argument_alone_counts():
    assert limit_after(requests_per_second=0, most=32) == 32
