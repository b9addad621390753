from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_inforu.capi.phones import InvalidPhoneError, normalize_phone


@pytest.mark.parametrize(
    "raw",
    [
        *("0500000001", "050-000-0001", "050 000 0001", "(050) 000-0001", "+972500000001", "972500000001"),
        *("00972500000001", "+972 (0)50-000-0001", "9720500000001", "500000001", 500000001, 500000001.0),
        *("500000001.0", "972500000001.0", "+972500000001.0", "0500000001.0 "),
        *(" 050-0000001 ", "\u200e050-000-0001", "٠٥٠٠٠٠٠٠٠١"),
    ],
)
def test_every_spelling_of_a_mobile_becomes_its_local_form(raw):
    assert normalize_phone(raw) == "0500000001"


@pytest.mark.parametrize(
    ("raw", "local"),
    [
        ("02-500-0001", "025000001"),
        ("25000001", "025000001"),
        ("+972-73-222-4528", "0732224528"),
        ("0591234567", "0591234567"),
        (Decimal(591234567), "0591234567"),
        (Decimal("591234567.00"), "0591234567"),
    ],
)
def test_landlines_and_other_networks_are_judged_by_their_length(raw, local):
    assert normalize_phone(raw) == local


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        *((None, "missing"), ("", "missing"), ("   ", "missing")),
        *((True, "bool"), (["0500000001"], "list"), (500000001.5, "float"), (Decimal("Infinity"), "Decimal")),
        *(("call me", "letters"), ("052ABC4567", "letters"), ("0500000001 ext 5", "letters")),
        *(("-", "not a phone number"), ("+1 202 555 0100", r"another country \(\+1\)")),
        *(
            ("0500000001#5", "extension"),
            ("050-000-001", "wrong number of"),
            ("05000000011", "wrong number of"),
        ),
        *(("2500000.0", "too few"), ("50000000.0", "wrong number of")),
        *(("100", "too few"), ("*2700", "too few"), ("1700123456", "service number")),
        *(
            ("066-000-0001", "wrong number of"),
            ("02-500-001", "too few"),
            ("021111111111", "wrong number of"),
        ),
    ],
)
def test_what_cannot_be_called_is_refused_with_a_reason(raw, reason):
    with pytest.raises(InvalidPhoneError, match=reason):
        normalize_phone(raw)


@given(
    st.text(alphabet="0123456789+-() *#", max_size=16) | st.text(max_size=12) | st.integers() | st.floats()
)
def test_a_result_is_always_local_digits_and_an_error_never_shows_the_number(raw):
    try:
        local = normalize_phone(raw)
    except InvalidPhoneError as error:
        assert str(raw) not in str(error) or len(str(raw)) < 3
        return
    assert local.isascii()
    assert local.isdigit()
    assert local[0] == "0"
    assert len(local) in (9, 10)
    assert normalize_phone(local) == local


@given(st.integers(500000000, 599999999), st.sampled_from(["0{}", "+972{}", "972{}", "{}", "00972-{}"]))
def test_every_spelling_of_a_number_is_the_same_number(number, spelling):
    assert normalize_phone(spelling.format(number)) == f"0{number}"
