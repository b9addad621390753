"""A phone that `phonenumbers` does not read has the result of the library, whatever its metadata are."""

import re
from contextlib import contextmanager
from itertools import product
from types import SimpleNamespace
from unittest import mock

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneMetadata

from airflow_provider_inforu.capi import phones
from airflow_provider_inforu.capi.phones import InvalidPhoneError, normalize_phone

ISRAEL = PhoneMetadata.metadata_for_region("IL")
NO_FORM = re.compile("(?!)")
OLDER_ABROAD = "0(?:0|1[2-9])"
"""Of phonenumbers 8.13.0."""


def outcome(raw):
    try:
        return normalize_phone(raw)
    except InvalidPhoneError as error:
        return type(error), str(error)


def library_reads_all():
    return mock.patch.object(phones, "_known_forms", return_value=NO_FORM)


def outcome_by_library(raw):
    with library_reads_all():
        return outcome(raw)


def altered(**changes):
    """Return the metadata of Israel with other values."""
    general = SimpleNamespace(**vars(ISRAEL.general_desc))
    general.national_number_pattern = changes.pop("general", general.national_number_pattern)
    mobile = SimpleNamespace(**vars(ISRAEL.mobile))
    mobile.possible_length = changes.pop("mobile_lengths", mobile.possible_length)
    return SimpleNamespace(**{**vars(ISRAEL), "general_desc": general, "mobile": mobile, **changes})


@contextmanager
def library_with(**changes):
    """Let the library have other metadata of Israel."""
    # Not patch.dict: it would take away the countries that are loaded until it ends.
    PhoneMetadata._region_metadata["IL"] = altered(**changes)
    phones._known_forms.cache_clear()
    try:
        yield
    finally:
        PhoneMetadata._region_metadata["IL"] = ISRAEL
        phones._known_forms.cache_clear()


digits = st.text("0123456789", min_size=6, max_size=11)
hyphenated = st.builds(
    lambda text, places: "".join(c + "-" * (i in places) for i, c in enumerate(text)),
    digits,
    st.sets(st.integers(0, 8), max_size=3),
)
spellings = st.builds(
    "{}{}".format, st.sampled_from(["", "0", "+972", "972", "+972-", "00972", "+9720"]), digits | hyphenated
)
local_numbers = st.from_regex(r"(?:0|\+972-?)?[2-9][0-9]{1,2}-?[0-9]{3}-?[0-9]{4}", fullmatch=True)


@given(
    local_numbers | spellings | st.integers(-(10**13), 10**13) | st.text("0579+-() .\u200e٠٥", max_size=14)
)
def test_a_phone_has_the_result_of_the_library(raw):
    assert outcome(raw) == outcome_by_library(raw)


# Each step has no factor in common with 10: every last digit of a prefix takes its turn.
@pytest.mark.parametrize("step", [21, pytest.param(1, marks=pytest.mark.long)])
@pytest.mark.parametrize("spelling", ["0{}", "+972{}", "972{}", "{}"])
def test_numbers_of_every_prefix_have_the_result_of_the_library(spelling, step):
    judged = {}
    for prefix, length in product(range(0, 10_000, step), (7, 8, 9, 10)):
        # The digits after the prefix differ from one to the next.
        number = f"{prefix:04}{prefix * 7919 % 10 ** (length - 4):0{length - 4}}"
        judged[number] = outcome(spelling.format(number))
    with library_reads_all():
        assert judged == {number: outcome(spelling.format(number)) for number in judged}


@pytest.mark.parametrize(
    "raw",
    [
        *(
            "0500000001",
            "050-0000001",
            "050-000-0001",
            "+972500000001",
            "972500000001",
            "972-50-0000001",
            "+972-50-000-0001",
            "500000001",
            500000001,
        ),
        *("0770000001", "025000001", "02-500-0001", "+97225000001", "25000001", 25000001),
    ],
)
def test_the_library_does_not_read_a_phone_in_a_known_form(raw):
    normalize_phone(raw)
    with mock.patch.object(phonenumbers, "parse", side_effect=AssertionError):
        normalize_phone(raw)


def test_text_of_another_type_is_read_as_it_writes_itself():
    class Phone(str):
        __slots__ = ()

        def __str__(self):
            return "hidden"

    with pytest.raises(InvalidPhoneError, match="letters"):
        normalize_phone(Phone("0500000001"))


def test_older_metadata_prove_the_same_forms():
    now = phones._known_forms().pattern
    with library_with(international_prefix=OLDER_ABROAD):
        assert phones._known_forms().pattern == now


@pytest.mark.parametrize(
    "changes",
    [
        *({"national_prefix_for_parsing": prefix} for prefix in (None, "", "0|5", "(0)")),
        {"national_prefix_transform_rule": "9\\1"},
        *(
            {"international_prefix": prefix}
            for prefix in (None, "", "00", "0(?:0|[1-9])", "0(?:0|1?5)", "0(?:0)|05(?:0)")
        ),
        *(
            {"international_prefix": prefix}
            for prefix in ("0(?:0|(?:5|1))", "0(?:0|1{0,1}5)", "0(?:0|1*5)", "0(?:|1)")
        ),
        *(
            {"general": pattern}
            for pattern in (None, "", "0?5\\d{8}", "[0-9]\\d{8}", "5\\d{8}|05\\d{8}", "\\d{9}")
        ),
        *(
            {"general": pattern}
            for pattern in ("(?:0|5)\\d{8}", "[57]\\d{8}|(?!1)\\d{9}", "1{0,1}05\\d{7}", "(05\\d{8})")
        ),
    ],
)
def test_the_library_reads_everything_where_its_metadata_prove_nothing(changes):
    with library_with(**changes):
        assert not phones._known_forms().fullmatch("0500000001")


def test_a_form_that_the_library_refuses_is_unknown():
    with library_with(mobile_lengths=(10,)):
        assert not phones._known_forms().fullmatch("0500000001")
        assert phones._known_forms().fullmatch("025000001")
        with pytest.raises(InvalidPhoneError):
            normalize_phone("0500000001")


@pytest.mark.parametrize(
    "general",
    [
        *("[57]\\d{8}|9\\d{11}", "[57]\\d{8}|[5-9]\\d{11}", "[57]\\d{8}|97\\d{10}", "[57]\\d{8}|[7-9]\\d+"),
        *("5[0-8]\\d{7}|7\\d{8}", "5[^1]\\d{7}", "[57]\\d{7}", "[57]\\d{8}|(?:9|2)\\d{11}", "[57]\\d{8}|"),
    ],
)
def test_the_library_tells_the_country_code_where_its_metadata_do_not_prove_it(general):
    with library_with(general=general):
        assert not phones._known_forms().fullmatch("972500000001")
        assert outcome("972510000001") == outcome_by_library("972510000001")


patterns = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "0", "0?", "1{0,1}", "1?", "(?:0|1)?"]),
    st.sampled_from(["[57]", "[2-9]", "[0-9]", "5", "9"]),
    st.sampled_from(["\\d{7}", "\\d{8}", "\\d{11}", "\\d{7,9}", "0{8}", "0\\d{7}"]),
)
prefixes_abroad = [OLDER_ABROAD, "0(?:0|5)", "00", "0(?:0|1)|5", "0(?:0|1?5)", "0(?:0|10)"]


def test_a_number_that_begins_like_the_country_code_without_a_zero_is_read_by_the_library():
    with library_with(general="[57]\\d{8}|[2-8]\\d{4}"):
        assert outcome("97225000") == outcome_by_library("97225000")


variants = st.fixed_dictionaries(
    {},
    optional={
        "national_prefix_for_parsing": st.sampled_from(["0", "1", "0|5", "(0)", ""]),
        "international_prefix": st.sampled_from(prefixes_abroad),
        "general": st.lists(patterns, min_size=1, max_size=3).map("|".join),
        "mobile_lengths": st.sets(st.integers(7, 11), min_size=1, max_size=3).map(sorted),
    },
)


@given(variants, st.lists(local_numbers | spellings, min_size=1, max_size=20))
def test_a_phone_has_the_result_of_a_library_with_other_metadata(changes, raws):
    with library_with(**changes):
        assert [outcome(raw) for raw in raws] == [outcome_by_library(raw) for raw in raws]
