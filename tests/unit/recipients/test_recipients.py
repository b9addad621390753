import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.capi.phones import RoundedNumber
from airflow_provider_inforu.recipients.input_rows import BadRow, RecipientsError, SourceError, StreamedRows
from airflow_provider_inforu.recipients.recipient_reader import (
    read_recipients,
)
from airflow_provider_inforu.recipients.recipient_rules import RecipientRules
from airflow_provider_inforu.recipients.recipient_store import Skipped
from airflow_provider_inforu.recipients.texts import TextTemplate

SILENT = RecipientRules(speaks=False)


def rules(message="Hello {name}", **kwargs):
    return RecipientRules(template=None if message is None else TextTemplate(message), **kwargs)


def person(number, **fields):
    return {"id": f"k{number}", "phone": f"05000000{number:02}", "name": "דנה", **fields}


def read(rows, **kwargs):
    return read_recipients(rows, rules(key_field="id", **kwargs))


def test_a_list_of_phones_is_keyed_by_row_number_from_1():
    listed = read_recipients(["050-0000001", "+972500000002", 500000003], SILENT)
    assert [(one.key, one.phone, one.text) for one in listed.recipients] == [
        ("1", "0500000001", None),
        ("2", "0500000002", None),
        ("3", "0500000003", None),
    ]


def test_mappings_bring_phone_key_and_the_fields_of_the_text():
    listed = read([person(1), person(2, name="יוסי")])
    assert [(one.key, one.phone, one.text) for one in listed.recipients] == [
        ("k1", "0500000001", "Hello דנה"),
        ("k2", "0500000002", "Hello יוסי"),
    ]


def test_fields_may_have_other_names():
    listed = read_recipients(
        [{"tel": "0500000001", "nr": 17.0}], RecipientRules(phone_field="tel", key_field="nr", speaks=False)
    )
    assert (listed.recipients[0].key, listed.recipients[0].phone) == ("17", "0500000001")


def test_a_rows_own_message_wins():
    listed = read([person(1, message="Just {this}"), person(2, message=" "), person(3, message=math.nan)])
    assert [one.text for one in listed.recipients] == ["Just {this}", "Hello דנה", "Hello דנה"]


class DataFrame:
    """Iterating one gives the names of its columns."""

    def __iter__(self):
        return iter(["id", "phone"])

    def to_dict(self, _orient):
        return []


def test_a_data_frame_is_refused_with_a_hint():
    with pytest.raises(InforuInputError, match=r"not DataFrame\. Pass frame\.to_dict"):
        read_recipients(DataFrame(), SILENT)


@pytest.mark.parametrize(
    ("rows", "advice"),
    [
        ("0500000001", "A template renders to text"),
        (b"x", ""),
        ({"phone": "0500000001"}, r"whole list.*\.expand\(\)"),
        (5, ""),
        (iter(["0500000001"]), ""),
        ((phone for phone in ["0500000001"]), "@task.inforu_text_to_speech"),
        ({1}, r"sorted\("),
    ],
)
def test_rows_of_another_type_are_an_error_with_advice_that_does_not_show_them(rows, advice):
    with pytest.raises(InforuInputError, match=f"must be a list.*{advice}") as raised:
        read_recipients(rows, SILENT)
    assert "0500000001" not in str(raised.value)


class NotAvailable:
    """What pandas has in place of a missing value: it is neither true nor false."""

    def __ne__(self, _other):
        return self

    def __bool__(self):
        raise TypeError("boolean value of NA is ambiguous")


NotAvailable.__name__ = "NAType"
KEY_SHOWS_PHONE = "the key may contain a phone number"
BAD = [
    (person(1, phone=None), "k1", "the field 'phone' of the phone is empty"),
    ({"id": "k1", "name": "x"}, "k1", "the row has no field 'phone'"),
    (person(1, phone="12"), "k1", "the phone has too few digits"),
    (person(1, phone="052x"), "k1", "the phone has letters in it"),
    (person(1, id=None), "row 2", "the field 'id' of the key is missing or empty"),
    (person(1, id="  "), "row 2", "the field 'id' of the key is missing or empty"),
    (person(1, name=None), "k1", "the field 'name' of the message is missing or empty"),
    ({"id": "k1", "phone": "0500000001"}, "k1", "the field 'name' of the message is missing or empty"),
    (person(1, phone=math.nan), "k1", "the field 'phone' of the phone is empty"),
    (person(1, phone=NotAvailable()), "k1", "the field 'phone' of the phone is empty"),
    (person(1, phone=" "), "k1", "the field 'phone' of the phone is empty"),
    (person(1, id=math.nan), "row 2", "the field 'id' of the key is missing or empty"),
    (person(1, name=math.nan), "k1", "the field 'name' of the message is missing or empty"),
    (person(1, name=""), "k1", "the field 'name' of the message is missing or empty"),
    (person(1, name=" \u200f\0"), "k1", "the field 'name' of the message is missing or empty"),
    (person(1, name=b"Dana"), "k1", "the field 'name' of the message has type bytes, not text or a number"),
    (
        person(1, name=memoryview(b"x")),
        "k1",
        "the field 'name' of the message has type memoryview, not text or a",
    ),
    (person(1, name=["a"]), "k1", "the field 'name' of the message has type list, not text or a number"),
    (person(1, name={"a": 1}), "k1", "the field 'name' of the message has type dict, not text or a number"),
    (person(1, name=True), "k1", "the field 'name' of the message has type bool, not text or a number"),
    (person(1, name=object()), "k1", "the field 'name' of the message has type object, not text or a number"),
    (
        person(1, name=len),
        "k1",
        "the field 'name' of the message has type builtin_function_or_method, not text",
    ),
    (person(1, message=False), "k1", "the text has type bool, not text or a number"),
    (person(1, message=[]), "k1", "the text has type list, not text or a number"),
    (person(1, message=b"shalom"), "k1", "the text has type bytes, not text or a number"),
    (
        person(1, id="1.23457e+08"),
        "row 2",
        "a spreadsheet has shortened the key, so its last digits are lost",
    ),
    (
        person(1, id=RoundedNumber(5e7)),
        "row 2",
        "the key is a rounded number, so its last digits may be lost",
    ),
    (
        person(1, phone=RoundedNumber(5e8)),
        "k1",
        "the phone is a rounded number, so its last digits may be lost",
    ),
    (person(1, id="٥٠٠٠٠٠٠٠١"), "row 2", KEY_SHOWS_PHONE),
    (person(1, id="x５０００００００１"), "row 2", KEY_SHOWS_PHONE),
    (person(1, id="⑤⓪⓪⓪⓪⓪⓪⓪①"), "row 2", KEY_SHOWS_PHONE),
    (person(1, id="⁵⁰⁰⁰⁰⁰⁰⁰¹"), "row 2", KEY_SHOWS_PHONE),
    (person(1, id={"phone": "0500000001"}), "row 2", "the key is a dict, not text or a whole number"),
    (person(1, id=True), "row 2", "the key is a bool, not text or a whole number"),
    (person(1, id="0500000001"), "row 2", KEY_SHOWS_PHONE),
    (
        person(1, id="+972 50-000-0001"),
        "row 2",
        KEY_SHOWS_PHONE,
    ),
    (
        person(1, id="a\nb"),
        "row 2",
        "the key has more than 100 characters, or a character that cannot be printed",
    ),
    (
        person(1, id="x" * 101),
        "row 2",
        "the key has more than 100 characters, or a character that cannot be printed",
    ),
    (person(1, message="cut \ud83d"), "k1", "the text contains an incomplete character"),
    (person(1, phone=10**5000), "k1", "the phone has the wrong number of digits"),
    (person(1, id="k9"), "row 2", "an earlier row has the same key"),
    (person(1, id=10**5000), "row 2", "the key is a number with too many digits"),
    ("0500000001", "row 2", "the row is only a phone and has no field 'id' for its key"),
    (None, "row 2", "the row is a NoneType, not a phone or a mapping"),
    (["0500000001"], "row 2", "the row is a list, not a phone or a mapping"),
]


@pytest.mark.parametrize(("row", "key", "reason"), BAD)
def test_a_row_that_cannot_be_called_fails_the_send_and_is_named_by_key_and_reason(row, key, reason):
    with pytest.raises(InforuInputError) as raised:
        read([person(9), row])
    name = key if key.startswith("row") else f"key {key}"
    error = str(raised.value)
    assert f"1 row cannot be called: {reason}" in error
    assert f"({name}). Correct" in error
    assert "05000" not in str(raised.value)


@pytest.mark.parametrize(("row", "key", "reason"), BAD)
def test_a_row_that_cannot_be_called_is_skipped_on_request_and_the_others_stay(row, key, reason):
    listed = read([person(9), row, person(8)], invalid_recipients="skip")
    assert [one.key for one in listed.recipients] == ["k9", "k8"]
    (skipped,) = listed.skipped
    assert skipped == Skipped(key, skipped.reason, is_key=key.startswith("k"))
    assert skipped.reason.startswith(reason)


@pytest.mark.parametrize(
    ("message", "row", "reason"),
    [
        (None, person(1), "the row has no text"),
        ("\u200f", person(1), "the text is empty"),
        ("", person(1), "the text is empty"),
    ],
)
def test_text_to_speech_needs_a_text(message, row, reason):
    with pytest.raises(InforuInputError, match=reason):
        read([row], message=message)


def test_reasons_are_grouped_and_long_lists_are_cut():
    rows = [person(number, phone=None) for number in range(12)] + [person(20, name=None), person(30)]
    with pytest.raises(InforuInputError) as raised:
        read(rows)
    message = str(raised.value)
    assert message.startswith("13 rows cannot be called:")
    assert "is empty (12 rows: keys k0, k1, k2, k3, k4, k5, k6, k7, k8, k9 and 2 more); the field" in message


def test_a_phone_that_came_before_is_skipped_by_default():
    listed = read([person(1), person(2, phone="+972-50-0000001")])
    assert [one.key for one in listed.recipients] == ["k1"]
    assert list(listed.skipped) == [Skipped("k2", "an earlier row has the same phone")]


def test_a_phone_that_came_before_is_called_again_on_request():
    listed = read([person(1), person(2, phone="0500000001")], on_duplicate="send")
    assert [one.key for one in listed.recipients] == ["k1", "k2"]


def test_a_phone_that_came_before_fails_the_send_on_request():
    with pytest.raises(
        InforuInputError, match=r"1 row cannot be called: an earlier row has the same phone \(key k2\)"
    ):
        read([person(1), person(2, phone="0500000001")], on_duplicate="fail")


def test_an_empty_list_is_no_error():
    assert list(read([]).recipients) == []


def test_the_repr_of_a_recipient_shows_its_key_only():
    assert repr(read([person(1)]).recipients[0]) == "Recipient(key='k1')"


@pytest.mark.parametrize("invalid_recipients", ["fail", "skip"])
def test_when_no_row_can_be_called_it_is_an_error_that_does_not_blame_the_rows(invalid_recipients):
    """A misspelt placeholder or a renamed column must not be a green task that called nobody."""
    with pytest.raises(
        InforuInputError,
        match=r"All 2 rows are invalid.*'nmae'.*\(2 rows: keys k1, k2\).*columns.*'id', 'phone', 'name'",
    ):
        read([person(1), person(2)], message="{nmae}", invalid_recipients=invalid_recipients)


class Stream:
    """Rows of a source that is open as long as they are read."""

    def __init__(self, *rows, end=None):
        self.is_open = False
        self.read = 0
        self.rows = StreamedRows("people.csv", self._rows(rows, end))

    def _rows(self, rows, end):
        self.is_open = True
        try:
            for row in rows:
                self.read += 1
                yield row
            if end is not None:
                raise end
        finally:
            self.is_open = False


def test_rows_of_a_source_are_read_as_they_come_and_keyed_by_their_number():
    stream = Stream({"phone": "0500000001"}, {"phone": "0500000002"})
    listed = read_recipients(stream.rows, SILENT)
    assert [(one.key, one.phone) for one in listed.recipients] == [("1", "0500000001"), ("2", "0500000002")]
    assert not stream.is_open


HALF = BadRow("people.csv", 17, "the row has 1 field instead of 2")


def test_a_row_that_cannot_be_read_fails_the_send_and_is_named_by_its_place():
    with pytest.raises(InforuInputError) as raised:
        read(Stream(person(1), HALF, person(2, phone="12")).rows)
    assert (
        "2 rows cannot be called: the row has 1 field instead of 2 (people.csv line 17); "
        "the phone has too few digits (key k2). Correct"
    ) in str(raised.value)


def test_a_row_that_cannot_be_read_is_skipped_on_request_and_counts_as_a_row():
    rows = Stream({"phone": "0500000001"}, HALF, {"phone": "0500000002"}).rows
    listed = read_recipients(rows, RecipientRules(speaks=False, invalid_recipients="skip"))
    assert [one.key for one in listed.recipients] == ["1", "3"]
    assert list(listed.skipped) == [
        Skipped("people.csv line 17", "the row has 1 field instead of 2", is_key=False)
    ]


def test_a_source_that_breaks_off_is_an_error_also_where_rows_may_be_skipped():
    stream = Stream(person(1), end=SourceError("people.csv line 3: the text is not utf-8"))
    with pytest.raises(SourceError, match="line 3"):
        read(stream.rows, invalid_recipients="skip")
    assert not stream.is_open


def test_a_source_is_not_read_further_than_the_limit_and_closed():
    stream = Stream(*(person(number) for number in range(50)))
    listed = read(stream.rows, limit=2)
    assert [one.key for one in listed.recipients] == ["k0", "k1"]
    assert stream.read == 2
    assert not stream.is_open


@given(
    st.lists(
        st.one_of(st.none(), st.text(max_size=6), st.integers(0, 30).map(person), st.integers()), max_size=12
    )
)
def test_every_row_is_either_a_recipient_or_skipped(rows):
    listed = read([*rows, person(99)], invalid_recipients="skip")
    rows = [*rows, person(99)]
    assert len(listed.recipients) + len(listed.skipped) == len(rows)
    assert len({one.phone for one in listed.recipients}) == len(listed.recipients)
    assert len({one.key for one in listed.recipients}) == len(listed.recipients)


def test_the_output_of_a_task_that_returned_none_is_an_error_that_says_so():
    with pytest.raises(
        InforuInputError, match=r"task behind `recipients` returned None.*\[\] for nobody.*generator"
    ):
        read_recipients(None, SILENT)


@pytest.mark.parametrize("name", ["people.xlsx", "s3://bucket/People.XLS", "people.json.gz"])
def test_a_file_of_a_format_that_cannot_be_read_is_an_error_that_names_the_formats(name):
    with pytest.raises(InforuInputError, match=r"\.(xlsx|xls|json\.gz) file, which cannot be read.*\.csv"):
        read_recipients(name, SILENT)


def test_rows_are_named_by_number_and_counted_where_keys_are_numbers():
    rows = [{"phone": "0500000001"}, {"phone": "12"}, {"phone": "0500000002"}, {"phone": "13"}]
    with pytest.raises(InforuInputError, match=r"the phone has too few digits \(2 rows: 2, 4\)"):
        read_recipients(rows, SILENT)


@pytest.mark.parametrize("first", [person(1, phone="12"), person(1, name=None), person(1)])
def test_a_key_that_comes_twice_ends_as_one_thing(first):
    """A report has each key once, whatever is wrong with the first row of that key."""
    listed = read([first, person(1, phone="0500000005"), person(2)], invalid_recipients="skip")
    keys = [one.key for one in listed.recipients] + [one.key for one in listed.skipped if one.is_key]
    assert sorted(keys) == ["k1", "k2"]
    assert Skipped("row 2", "an earlier row has the same key", is_key=False) in list(listed.skipped)


def test_a_wrong_phone_field_is_an_error_that_names_it_and_the_columns_and_no_value():
    rows = [{"mobile": "0500000001", "name": "Dana"}]
    with pytest.raises(InforuInputError) as raised:
        read_recipients(rows, SILENT)
    assert "the row has no field 'phone'" in str(raised.value)
    assert "The columns of the first row are 'mobile', 'name'" in str(raised.value)
    assert "Dana" not in str(raised.value)
    assert "0500000001" not in str(raised.value)


def test_an_id_number_with_a_zero_in_front_is_a_key_where_it_cannot_be_a_phone():
    listed = read([person(1, id="052123456"), person(2, id="id031234567"), person(3, id=31234567)])
    assert [one.key for one in listed.recipients] == ["052123456", "id031234567", "31234567"]


HUGE = 10**5000
"""Python refuses to write a whole number of so many digits."""


@pytest.mark.parametrize("template", ["שלום {name}", "שלום {name:digits}", "שלום {name:money}"])
def test_a_value_that_cannot_be_written_is_an_invalid_row_and_the_others_are_called(template):
    rows = [
        {"id": "k1", "phone": "0500000001", "name": HUGE},
        {"id": "k2", "phone": "0500000002", "name": "17"},
    ]
    rules = RecipientRules(key_field="id", template=TextTemplate(template), invalid_recipients="skip")
    people = read_recipients(rows, rules)
    assert [one.key for one in people.recipients] == ["k2"]
    assert [(one.key, one.reason) for one in people.skipped] == [
        ("k1", "a value cannot be read (ValueError)")
    ]


@pytest.mark.parametrize("field", ["id", "phone", "name"])
def test_a_signaling_nan_counts_as_missing(field):
    row = {"id": "k1", "phone": "0500000001", "name": "17", field: Decimal("sNaN")}
    rules = RecipientRules(key_field="id", template=TextTemplate("שלום {name}"))
    with pytest.raises(RecipientsError, match=r"missing|empty"):
        read_recipients([row], rules)


@pytest.mark.parametrize("row", [HUGE, {"id": HUGE}, {"phone": HUGE}], ids=["alone", "key", "phone"])
def test_a_number_that_cannot_be_written_makes_the_suppression_list_invalid(row):
    rules = RecipientRules(key_field="id", speaks=False)
    with pytest.raises(RecipientsError, match=r"`suppress`, row 1: .* so the suppression list is incomplete"):
        read_recipients([{"id": "k1", "phone": "0500000001"}], rules, [row])
