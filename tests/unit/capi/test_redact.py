import pytest

from airflow_provider_inforu.capi.redact import hide, hide_phones


@pytest.mark.parametrize(
    "phone",
    [
        "0589995551",
        "058-999-5551",
        "+972 58 999 5551",
        "972589995551",
        "(058) 9995551",
        "589995551",
        "058 - 999 - 5551",
        "058,999,5551",
        "058–999–5551",
        "058_999_5551",
        "058\u200e999\u200e5551",
    ],
)
def test_phones_are_hidden_in_every_spelling(phone):
    assert hide_phones(f"no such number {phone}, sorry") == "no such number [phone hidden], sorry"


@pytest.mark.parametrize("text", ["שליחה ל0589995551 נכשלה", "Phone0589995551"])
def test_letters_around_a_phone_do_not_save_it(text):
    assert "0589995551" not in hide_phones(text)


@pytest.mark.parametrize("text", ["HTTP 403, StatusId -2015", "campaign 194", "at 12:30:45", ""])
def test_short_numbers_stay(text):
    assert hide_phones(text) == text


def test_secrets_are_hidden():
    assert hide("token abcde and vwxyz", ["abcde", "", "vwxyz"]) == "token *** and ***"


def test_a_secret_that_is_part_of_ordinary_words_is_passed_over():
    assert hide("token at", ["t"]) == "token at"
