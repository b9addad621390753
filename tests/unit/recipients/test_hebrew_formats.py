from datetime import UTC, date, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.recipients.hebrew_formats import FORMATS, FormatValueError
from airflow_provider_inforu.recipients.texts import TextTemplate, UnfitFieldError

ISRAEL = ZoneInfo("Asia/Jerusalem")
EVENING = datetime(2026, 9, 3, 22, 5, tzinfo=UTC)
"""In Israel five past one of the day after."""


def say(name, value):
    return FORMATS[name](value, ISRAEL)


@pytest.mark.parametrize(
    ("name", "value", "heard"),
    [
        ("date", date(2026, 9, 3), "3 בספטמבר 2026"),
        ("date", datetime(2026, 9, 3, 23, 59), "3 בספטמבר 2026"),  # noqa: DTZ001 - a naive one stays as it is
        ("date", EVENING, "4 בספטמבר 2026"),
        ("date", " 2026-01-12 ", "12 בינואר 2026"),
        ("date", "2026-09-03T22:05:00Z", "4 בספטמבר 2026"),
        ("day", date(2026, 9, 3), "יום חמישי"),
        ("day", EVENING, "יום שישי"),
        ("time", time(9, 5), "9:05"),
        ("time", EVENING, "1:05"),
        ("time", "15:05:59", "15:05"),
        ("time", "2026-09-03 15:05", "15:05"),
        ("money", 120, "120 שקלים"),
        ("money", "120.50", "120 שקלים ו-50 אגורות"),
        ("money", 1, "שקל אחד"),
        ("money", Decimal("1.01"), "שקל אחד ואגורה אחת"),
        ("money", 0.5, "50 אגורות"),
        ("money", "0.01", "אגורה אחת"),
        ("money", 0, "0 שקלים"),
        ("money", 1.005, "שקל אחד ואגורה אחת"),
        ("money", 1.999, "2 שקלים"),
        ("digits", 4711, "4 7 1 1"),
        ("digits", "0042", "0 0 4 2"),
        ("digits", "12-34 5", "1 2 3 4 5"),
        ("digits", 4711.0, "4 7 1 1"),
    ],
)
def test_values_are_said_as_a_person_says_them(name, value, heard):
    assert say(name, value) == heard


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("date", "2026"),
        ("date", "15:05"),
        ("date", "tomorrow"),
        ("date", 20260903),
        ("date", time(9)),
        ("date", "9999-12-31T23:59:59Z"),
        ("day", "2026-13-01"),
        ("time", "2026-09-03"),
        ("time", date(2026, 9, 3)),
        ("time", 905),
        ("money", "1,234"),
        ("money", -1),
        ("money", "NaN"),
        ("money", "1e30"),
        ("money", True),
        ("money", None),
        ("digits", "12a"),
        ("digits", -5),
        ("digits", 1.5),
        ("digits", True),
        ("digits", ""),
        ("digits", "\u0661"),
    ],
)
def test_a_value_that_is_not_what_its_format_says_is_an_error(name, value):
    with pytest.raises(FormatValueError):
        say(name, value)


@given(st.integers(0, 10**14 - 1))
def test_money_loses_no_agora(agorot):
    heard = say("money", Decimal(agorot) / 100)
    assert heard == say("money", f"{agorot // 100}.{agorot % 100:02}")
    figures = [int(word.removeprefix("ו-")) for word in heard.split() if word.removeprefix("ו-").isdecimal()]
    ones = ("שקל אחד" in heard) * 100 + ("אגורה אחת" in heard)
    units = [100 if "שקלים" in heard else 1, 1]
    assert ones + sum(figure * unit for figure, unit in zip(figures, units, strict=False)) == agorot


@given(st.sampled_from(sorted(FORMATS)), st.one_of(st.text(), st.floats(), st.integers(), st.datetimes()))
def test_whatever_a_field_holds_is_said_or_refused(name, value):
    try:
        assert say(name, value)
    except FormatValueError as error:
        assert str(error)


def test_a_placeholder_may_have_a_format():
    template = TextTemplate("חוב של {debt:money} עד {due:day}, {due:date}")
    row = {"debt": "99.90", "due": date(2026, 9, 3)}
    assert template.fill(row) == "חוב של 99 שקלים ו-90 אגורות עד יום חמישי, 3 בספטמבר 2026"


def test_times_are_told_in_the_zone_of_the_people():
    assert TextTemplate("{at:time}", ZoneInfo("Asia/Tokyo")).fill({"at": EVENING}) == "7:05"


def test_a_field_that_cannot_be_said_is_named_and_its_value_is_not():
    with pytest.raises(UnfitFieldError, match=r"\{due:date\}: it must be a date") as caught:
        TextTemplate("{due:date}").fill({"due": "0500000001"})
    assert "0500000001" not in str(caught.value)


def test_a_format_that_there_is_not_is_an_error_that_names_those_that_are():
    with pytest.raises(InforuInputError, match=r"\{due:dates\}.*Formats are date, day, time, money, digits"):
        TextTemplate("{due:dates}")
