import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.recipients.recipient_reader import read_recipients
from airflow_provider_inforu.recipients.recipient_rules import RecipientRules
from airflow_provider_inforu.recipients.row_parser import KeyProblem, find_key_problem, is_blank, write_key

RULES = RecipientRules(key_field="id", speaks=False)
keys = st.one_of(
    st.text(max_size=12),
    st.integers(),
    st.integers(0, 2**40).map(float),
    st.from_regex(r"\s?[a-zא-ת0-9-]{1,12}\s?", fullmatch=True),
)
phones = st.sampled_from(
    ["0500000001", " 050-000-0001", "+972500000001", "500000001.0", 500000001, 500000001.0, "\u200e500000001"]
)


def find_called(row, suppressed):
    try:
        return [one.key for one in read_recipients([row], RULES, suppressed).recipients]
    except InforuInputError:
        return []


@given(key=keys, phone=phones)
def test_each_key_and_phone_that_can_be_called_can_be_suppressed_in_the_same_form(key, phone):
    row = {"id": key, "phone": phone}
    if find_called(row, []):
        assert find_called(row, [{"id": key}]) == []
        assert find_called(row, [{"phone": phone}]) == []
        assert find_called({"id": "k", "phone": "0500000001"}, [{"phone": phone}]) == []


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (" k1 ", "k1"),
        (17, "17"),
        (17.0, "17"),
        (1e22, "10000000000000000000000"),
        (1.5, "1.5"),
        (None, ""),
        (math.nan, ""),
        ("  ", ""),
    ],
)
def test_a_key_is_text_without_outer_spaces_and_a_whole_number_has_no_fraction(value, key):
    assert write_key(value) == key


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ("k1", None),
        ("", None),
        ("500000001", None),
        ("0500000001", KeyProblem.SHOWS_PHONE),
        ("\u200e0500000001", KeyProblem.SHOWS_PHONE),
        ("a\nb", KeyProblem.UNPRINTABLE),
        ("k\ud83d", KeyProblem.UNPRINTABLE),
    ],
)
def test_a_key_that_shows_a_phone_or_cannot_be_printed_belongs_to_no_recipient(key, problem):
    assert find_key_problem(key) is problem


@pytest.mark.parametrize("key", ["1E05", "1e5", "12E+05", "1E+5", "A1E+05"])
def test_an_id_with_an_e_is_a_key(key):
    assert write_key(key) == key


def test_a_field_with_only_spaces_is_blank_and_a_number_is_not():
    assert [is_blank(value) for value in (None, math.nan, "", " \t")] == [True] * 4
    assert [is_blank(value) for value in (0, "0", 10**5000)] == [False] * 3
