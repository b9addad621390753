import pytest

from airflow_provider_inforu.capi.redact import (
    has_password,
    hide,
    hide_passwords,
    hide_phones,
    is_phone_like,
    may_be_mistyped_phone,
    printable,
)


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


@pytest.mark.parametrize(
    "key",
    [
        "0500000001",
        "order-0500000001",
        "id0500000001",
        "contact 050-000-0001",
        "2026-0500000001",
        "0500000001-2",
        "050_000_0001",
        "x +972 50-000-0001",
        "00972500000001",
        "a972500000001b",
        "025551234",
        "tel 02-555-1234",
        "+972-2-5551234",
        "٠٥٠٠٠٠٠٠٠١",
    ],
)
def test_a_phone_is_found_anywhere_in_a_key(key):
    assert is_phone_like(key)


@pytest.mark.parametrize(
    "key",
    [
        "123456782",  # an ID number
        "012345674",  # with a zero in front, and no phone begins so
        "052123456",  # as long as an ID number, and too short for a phone
        "31234567",  # without its zero
        "id025551234",  # letters that touch it make it a key
        "514567890",
        "2026112400017",
        "2026-03-1234567",  # a year, a month and a number
        "INV/2026/05/01112233",
        "20260501112233",
        "550e8400-e29b-41d4-0212-345678901234",
        "f3a0212345678bc9d0",
        "507f1f77bcf0501112233a11",
        "C-104",
        "",
    ],
)
def test_ordinary_keys_are_no_phones(key):
    assert not is_phone_like(key)


def test_a_mistyped_phone_may_be_one():
    assert all(map(may_be_mistyped_phone, ["05212345678", "052-123456", "0521234567"]))
    assert not any(map(may_be_mistyped_phone, ["C-17", "123456782", "id052123456"]))


@pytest.mark.parametrize(
    ("url", "hidden"),
    [
        ("s3://user:TOKEN@bucket/x", "s3://user:***@bucket/x"),
        ("s3://user:TO/KEN@bucket/x", "s3://user:***@bucket/x"),
        ("s3://:TOKEN@bucket", "s3://:***@bucket"),
        ("s3://user:123/TOKEN@bucket", "s3://user:***@bucket"),
        ("http://user:TO@KEN@proxy", "http://user:***@proxy"),
        ("http://user@corp:TOKEN@proxy", "http://user@corp:***@proxy"),
        ("zip://x/y.zip::s3://user:TOKEN@bucket", "zip://x/y.zip::s3://user:***@bucket"),
        ("zip://x.zip::s3://user:TOKEN@bucket/x", "zip://x.zip:***@bucket/x"),
    ],
)
def test_a_password_in_a_url_is_found_and_hidden(url, hidden):
    assert has_password(url)
    assert hide_passwords(f"cannot reach {url} now") == f"cannot reach {hidden} now"


@pytest.mark.parametrize(
    "path",
    [
        "/data/team:a@example.com/x",
        "file:///data/team:a@example.com/x",
        "s3://aws_default@bucket/x",
        "s3://bucket/team:a@b/x",
        "s3://aws_default@bucket/team:a@b/x",
        "hdfs://namenode:8020/user/a@b",
        "sftp://host:22/home/a@b",
        "s3://bucket",
    ],
)
def test_a_path_without_a_password_has_none(path):
    assert not has_password(path)
