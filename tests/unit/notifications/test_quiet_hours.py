from datetime import UTC, datetime

import pytest

from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.notifications.quiet_hours import read_quiet_hours


@pytest.mark.parametrize(
    ("hours", "moment", "quiet"),
    [
        ("22:00-07:00", "2026-11-24T20:00", True),  # Israel is two hours ahead in winter
        ("22:00-07:00", "2026-11-24T19:59", False),
        ("22:00-07:00", "2026-11-24T04:59", True),
        ("22:00-07:00", "2026-11-24T05:00", False),
        ("22:00-07:00", "2026-07-24T19:00", True),  # and three in summer
        ("13:00 - 15:30", "2026-11-24T13:29", True),
        ("13:00 - 15:30", "2026-11-24T13:30", False),
        ("0:00-6:00", "2026-11-24T22:00", True),
    ],
)
def test_hours_are_those_of_israel_and_may_go_over_midnight(hours, moment, quiet):
    assert (datetime.fromisoformat(moment).replace(tzinfo=UTC) in read_quiet_hours(hours)) is quiet


@pytest.mark.parametrize("hours", ["", None])
def test_without_hours_none_are_quiet(hours):
    assert read_quiet_hours(hours) is None


@pytest.mark.parametrize("hours", ["22-7", "24:00-07:00", "22:60-07:00", "07:00-07:00", "night", 22])
def test_what_are_no_hours_is_refused(hours):
    with pytest.raises(InforuInputError, match="`quiet_hours` must be two times of day"):
        read_quiet_hours(hours)
