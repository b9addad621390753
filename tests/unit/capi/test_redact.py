import pytest

from airflow_provider_inforu.capi.redact import hide, hide_phones, printable


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


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\ud800", r"\ud800"),
        ("a\x1b]0;title\x07\x1b[2J", r"a\x1b]0;title\x07\x1b[2J"),
        ("one\ntwo\r\u2028three", r"one\ntwo\r\u2028three"),
        ("\u202eevil\u2066", r"\u202eevil\u2066"),
        ("\x00", r"\x00"),
        ("\x85", r"\x85"),
    ],
)
def test_what_cannot_be_shown_becomes_a_visible_escape(text, shown):
    assert printable(text) == hide(text) == shown
    assert shown.encode()


@pytest.mark.parametrize("text", ["שלום \u200fעולם\u200e", "שָׁלוֹם", "ש\u05f3\u00a0״צ״ – 50₪", "😀", "a\\nb"])
def test_ordinary_text_stays_as_it_is(text):
    assert printable(text) == hide(text) == text


@pytest.mark.parametrize("between", ["\x00", "\x1b", "\n", "\u202e", "\ud800"])
def test_control_characters_between_its_digits_do_not_save_a_phone(between):
    shown = hide(f"058{between}999{between}5551")
    assert shown == "[phone hidden]"
