import pytest

from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.capi.phones import RoundedNumber
from airflow_provider_inforu.recipients.input_rows import BadRow, StreamedRows
from airflow_provider_inforu.recipients.recipient_reader import read_recipients
from airflow_provider_inforu.recipients.recipient_rules import RecipientRules

ROWS = [
    {"id": "k1", "phone": "0500000001", "message": "x"},
    {"id": "k2", "phone": "+972500000002", "message": "x"},
    {"id": 3, "phone": "0500000003", "message": "x"},
]
RULES = RecipientRules(key_field="id")


def called(suppressed, rows=ROWS, rules=RULES):
    return [person.key for person in read_recipients(rows, rules, suppressed).recipients]


@pytest.mark.parametrize(
    ("suppressed", "left"),
    [
        ([], ["k1", "k2", "3"]),
        (["k1"], ["k2", "3"]),
        ([" k1 ", "972-50-0000002"], ["3"]),
        ([3], ["k1", "k2"]),
        ([3.0], ["k1", "k2"]),
        ([500000001], ["k2", "3"]),
        (["500000001.0", 500000002.0], ["3"]),
        ([{"id": "k1", "phone": None}, {"phone": "050 0000002"}], ["3"]),
        ([{"id": "k9", "phone": "0500000003"}], ["k1", "k2"]),
        ([{"id": "", "phone": "0500000003"}], ["k1", "k2"]),
        (["somebody else", "+1 212 555 0100"], ["k1", "k2", "3"]),
        ([{"phone": "+1 212 555 0100", "id": "k1"}], ["k2", "3"]),
        ([{"phone": "+1 212 555 0100"}, {"phone": "0500000003"}], ["k1", "k2"]),
    ],
)
def test_nobody_is_called_whose_phone_or_key_is_suppressed(suppressed, left):
    assert called(suppressed) == left
    assert called(StreamedRows("a file", (row for row in suppressed))) == left


@pytest.mark.parametrize("key", ["123456789", "521234567", "2026112400017"])
@pytest.mark.parametrize(
    "make", [str, int, lambda key: {"id": key}, lambda key: {"id": int(key), "phone": ""}]
)
def test_a_long_number_of_a_customer_is_a_key(key, make):
    rows = [{"id": key, "phone": "0500000009", "message": "x"}, *ROWS]
    assert called([make(key)], rows) == ["k1", "k2", "3"]


def test_a_number_that_may_be_a_key_and_a_phone_suppresses_both():
    rows = [
        {"id": "500000001", "phone": "0500000009", "message": "x"},
        {"id": "k1", "phone": "0500000001", "message": "x"},
    ]
    assert called(["500000001"], rows) == []


def test_who_is_suppressed_is_skipped_with_the_reason_and_fails_nothing():
    read = read_recipients(ROWS, RecipientRules(key_field="id", on_duplicate="fail"), ["k1", "0500000003"])
    assert [(one.key, one.reason) for one in read.skipped] == [("k1", "suppressed"), ("3", "suppressed")]


def test_a_phone_in_the_place_of_a_key_stops_everything_since_no_key_is_one():
    with pytest.raises(
        InforuInputError, match="`suppress`, row 1: the key may contain a phone number"
    ) as caught:
        called([{"id": "0500000001", "phone": None}])
    assert "0500000001" not in str(caught.value)


def test_where_keys_are_numbers_of_rows_they_suppress_nobody():
    rules = RecipientRules()
    assert called([{"id": "1", "phone": "0500000003"}], rules=rules) == ["1", "2"]
    with pytest.raises(InforuInputError, match="`suppress`, row 1: the phone"):
        called([1], rules=rules)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("", "the phone is missing"),
        (None, "NoneType"),
        (float("nan"), "float"),
        (True, "bool"),
        ([], "list"),
        ({}, "no value in 'phone' or 'id'"),
        ({"name": "Dana"}, "no value in 'phone' or 'id'"),
        ({"id": None, "phone": " "}, "no value in"),
        ({"phone": "05O-1234567"}, "letters"),
        ("05212345678", "digits"),
        ("call 0500000001", "letters"),
        ("052-123456", "digits"),
        ("k\ud83d", "cannot be printed"),
        ({"id": "k1", "phone": "12"}, "digits"),
        ({"id": "k1", "phone": "\u200f"}, "the phone is not a phone number"),
        (
            {"id": "k1", "phone": RoundedNumber(5e8)},
            "the phone is a rounded number, so its last digits may be lost",
        ),
        ({"id": "1.23457E+08"}, "a spreadsheet has shortened the key"),
        ({"id": " 5E+08 "}, "a spreadsheet has shortened the key"),
        ({"id": RoundedNumber(5e7)}, "the key is a rounded number, so its last digits may be lost"),
    ],
)
def test_a_row_that_names_nobody_stops_everything(bad, reason):
    with pytest.raises(InforuInputError, match=rf"`suppress`, row 2: .*{reason}.*incomplete"):
        called(["k1", bad])


def test_one_bad_row_among_suppressed_people_may_be_skipped():
    rules = RecipientRules(key_field="id", invalid_recipients="skip")
    rows = [ROWS[0], {"id": "k9", "phone": "12", "message": "x"}]
    assert called(["k1"], rows, rules) == []


def test_a_source_that_fails_stops_everything():
    def broken():
        yield "k1"
        raise OSError("the database is away")

    with pytest.raises(OSError, match="away"):
        called(StreamedRows("the query", broken()))


def test_a_row_of_a_file_that_cannot_be_read_stops_everything_and_is_named():
    rows = [BadRow("optouts.csv", 17, "the row has 1 field instead of 2")]
    with pytest.raises(InforuInputError, match=r"`suppress`, optouts\.csv line 17: the row has 1 field"):
        called(rows)


@pytest.mark.parametrize("rows", ["0500000001", 5, {"phone": "0500000001"}])
def test_what_is_no_list_of_rows_stops_everything(rows):
    with pytest.raises(InforuInputError, match="`suppress` must be a list"):
        called(rows)


def unmatched(suppressed, rows=ROWS, rules=RULES):
    read = read_recipients(rows, rules, suppressed)
    return read.unmatched, list(read.first_unmatched)


@pytest.mark.parametrize(
    ("suppressed", "count", "first"),
    [
        (["k1", "0500000002", {"id": "3", "phone": "0500000009"}], 0, []),
        (["k1", "C-17", "0500000009", 529998888], 3, [(2, "C-17"), (3, None), (4, None)]),
        ([{"id": "C-17", "phone": "0500000009"}], 1, [(1, None)]),
        ([{"id": "5299988881"}], 1, [(1, None)]),
        (["k1", "k1", "x", "x"], 2, [(3, "x"), (4, "x")]),
    ],
)
def test_entries_that_match_nobody_are_counted_and_named_by_key_or_row_and_never_by_phone(
    suppressed, count, first
):
    assert unmatched(suppressed) == (count, first)


@pytest.mark.parametrize("number", ["9.72501E+11", "5.01112233E8", "5e8"])
def test_a_number_that_a_spreadsheet_has_shortened_stops_everything(number):
    with pytest.raises(InforuInputError, match=r"row 1.*shortened"):
        called([number])


def test_a_later_row_with_the_phone_of_a_suppressed_key_is_not_called():
    rows = [*ROWS, {"id": "k4", "phone": "050-000-0001", "message": "x"}]
    assert called(["k1"], rows) == ["k2", "3"]
