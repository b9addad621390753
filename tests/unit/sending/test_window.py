from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.sending import window as module
from airflow_provider_inforu.sending.window import WindowClosedError, read_sending_window

ISRAEL = "Asia/Jerusalem"
YEAR = datetime(2026, 1, 1, tzinfo=UTC)
WEEK = "sun-thu 09:00-20:00; fri 09:00-13:00"


def at(text, zone=ISRAEL):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def window(text, zone=ISRAEL):
    return read_sending_window(text, zone)


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-09-03 08:59:59", False),  # a Thursday
        ("2026-09-03 09:00", True),
        ("2026-09-03 19:59:59", True),
        ("2026-09-03 20:00", False),
        ("2026-09-04 12:59", True),
        ("2026-09-04 13:00", False),
        ("2026-09-05 12:00", False),
        ("2026-09-06 12:00", True),
    ],
)
def test_a_week_has_hours_of_its_own_on_each_day(moment, is_open):
    assert window(WEEK).is_open(at(moment)) is is_open


def test_the_clock_is_that_of_the_zone_wherever_the_moment_was_told():
    moment = datetime(2026, 9, 3, 6, 30, tzinfo=UTC)
    assert window(WEEK).is_open(moment)
    assert not window(WEEK, "UTC").is_open(moment)


@pytest.mark.parametrize(
    ("text", "moment", "is_open"),
    [
        ("09:00-20:00", "2026-09-05 12:00", True),
        ("sat 12:00-24:00", "2026-09-05 23:59", True),
        ("sat 12:00-24:00", "2026-09-06 00:00", False),
        ("sat 20:00-02:00", "2026-09-06 01:59", True),
        ("sat 20:00-02:00", "2026-09-05 01:00", False),
        ("fri - sun, WED 10:00 - 11:00", "2026-09-05 10:00", True),
        ("fri - sun, WED 10:00 - 11:00", "2026-09-02 10:00", True),
        ("fri - sun, WED 10:00 - 11:00", "2026-09-03 10:00", False),
        ("sun-sat 00:00-24:00", "2026-09-03 03:00", True),
    ],
)
def test_days_and_hours_are_read_as_people_write_them(text, moment, is_open):
    assert window(text).is_open(at(moment)) is is_open


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        ("2026-09-03 07:00", "2026-09-03 09:00"),
        ("2026-09-03 20:00", "2026-09-04 09:00"),
        ("2026-09-04 13:00", "2026-09-06 09:00"),
    ],
)
def test_the_next_opening_is_known(moment, opens):
    assert window(WEEK).opens_at(at(moment)) == at(opens)


def test_an_opening_that_the_clocks_skip_is_the_first_minute_after():
    # On 2026-03-27 the clocks of Israel go from 01:59 to 03:00.
    assert window("02:30-05:00").opens_at(at("2026-03-27 00:00")) == at("2026-03-27 03:00")
    assert window("02:10-02:50").opens_at(at("2026-03-27 00:00")) == at("2026-03-28 02:10")


def test_an_hour_that_comes_twice_is_open_twice():
    # On 2026-10-25 the clocks of Israel go from 01:59 back to 01:00.
    twice = at("2026-10-25 01:30")
    assert window("01:00-02:00").is_open(twice)
    assert window("01:00-02:00").is_open(twice.replace(fold=1))
    assert not window("02:00-03:00").is_open(twice.replace(fold=1))


@given(
    st.integers(0, 2 * 365 * 24 * 60 * 60).map(lambda seconds: YEAR + timedelta(seconds=seconds)),
    st.sampled_from([WEEK, "fri 22:00-02:30"]),
)
def test_it_is_open_from_the_opening_on_and_not_before(moment, text):
    hours = window(text)
    opens = hours.opens_at(moment)
    assert opens > moment
    assert hours.is_open(opens)
    if not hours.is_open(moment):
        assert not hours.is_open(opens - timedelta(seconds=1))


@pytest.mark.parametrize("text", [None, "", "None"])
def test_no_window_is_none(text):
    assert window(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "always",
        "09:00",
        "9-20",
        "09:00-09:00",
        "25:00-26:00",
        "24:00-10:00",
        "09:00-24:01",
        "09:60-10:00",
        "sunday 09:00-20:00",
        "sun- 09:00-20:00",
        "sun,,mon 09:00-20:00",
        "sun 09:00-20:00;",
        5,
    ],
)
def test_what_is_no_window_is_an_error_that_shows_how_to_write_one(text):
    with pytest.raises(InforuInputError, match=r"^sending_window .*No new calls.*'sun-thu 09:00-20:00"):
        window(text)


@pytest.mark.parametrize("zone", ["Asia/Nowhere", "", "../etc", None])
def test_a_zone_that_there_is_not_is_an_error(zone):
    with pytest.raises(
        InforuInputError, match=r"^timezone is unknown: .*No new calls were placed. .*'Asia/Jerusalem'"
    ):
        window(WEEK, zone)


def test_a_window_that_never_opens_is_an_error(monkeypatch):
    monkeypatch.setattr(module, "LONGEST_LOOK_AHEAD", timedelta(hours=1))
    with pytest.raises(InforuInputError, match="never opens"):
        window("sat 12:00-13:00").opens_at(at("2026-09-03 12:00"))


def test_the_error_says_when_it_opens_and_who_was_called():
    opens = at("2026-09-04 09:00")
    assert "closed until 2026-09-04 09:00 IDT, and nobody was called" in str(
        WindowClosedError(opens, begun=False)
    )
    assert "and the remaining recipients were not called" in str(WindowClosedError(opens, begun=True))
