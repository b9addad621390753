import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.sending.recipients import (
    RecipientRules,
    list_keys,
    read_recipients,
)
from airflow_provider_inforu.sending.spool import Skipped
from airflow_provider_inforu.sending.texts import TextTemplate
from airflow_provider_inforu.sources.rows import BadRow, SourceError, StreamedRows

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
    with pytest.raises(InforuInputError, match=r"not DataFrame \(pass to_dict"):
        read_recipients(DataFrame(), SILENT)


@pytest.mark.parametrize(
    "rows", ["0500000001", b"x", {"phone": "0500000001"}, 5, None, iter(["0500000001"]), {1}]
)
def test_rows_of_another_kind_are_an_error_that_does_not_show_them(rows):
    with pytest.raises(InforuInputError, match="must be a list") as raised:
        read_recipients(rows, SILENT)
    assert "0500000001" not in str(raised.value)


BAD = [
    (person(1, phone=None), "k1", "the phone is missing"),
    ({"id": "k1", "name": "x"}, "k1", "the phone is missing"),
    (person(1, phone="12"), "k1", "the phone has too few digits"),
    (person(1, phone="052x"), "k1", "the phone has letters in it"),
    (person(1, id=None), "row 2", "the key is missing (field 'id')"),
    (person(1, id="  "), "row 2", "the key is missing (field 'id')"),
    (person(1, name=None), "k1", "the message speaks of {name}, which the row lacks"),
    ({"id": "k1", "phone": "0500000001"}, "k1", "the message speaks of {name}, which the row lacks"),
    (person(1, phone=math.nan), "k1", "the phone is missing"),
    (person(1, id=math.nan), "row 2", "the key is missing (field 'id')"),
    (person(1, name=math.nan), "k1", "the message speaks of {name}, which the row lacks"),
    (person(1, id={"phone": "0500000001"}), "row 2", "the key is a dict, not text or a whole number"),
    (person(1, id=True), "row 2", "the key is a bool, not text or a whole number"),
    (person(1, id="0500000001"), "row 2", "the key looks like a phone number, and keys are shown in logs"),
    (
        person(1, id="+972 50-000-0001"),
        "row 2",
        "the key looks like a phone number, and keys are shown in logs",
    ),
    (person(1, id="a\nb"), "row 2", "the key has more than 100 characters, or some that cannot be shown"),
    (person(1, id="x" * 101), "row 2", "the key has more than 100 characters, or some that cannot be shown"),
    (person(1, message="cut \ud83d"), "k1", "the text has half a character in it, such as a cut emoji"),
    (person(1, phone=10**5000), "k1", "the phone has the wrong number of digits"),
    (person(1, id="k9"), "k9", "the key came before, and a key names one person"),
    ("0500000001", "row 2", "the row is a phone alone and has no field 'id' for its key"),
    (None, "row 2", "the row is a NoneType, neither a phone nor a mapping"),
    (["0500000001"], "row 2", "the row is a list, neither a phone nor a mapping"),
]


@pytest.mark.parametrize(("row", "key", "reason"), BAD)
def test_a_row_that_cannot_be_called_fails_the_send_and_is_named_by_key_and_reason(row, key, reason):
    with pytest.raises(InforuInputError) as raised:
        read([person(9), row])
    assert f"1 recipient cannot be called, so nothing was sent: {reason}: {key}" in str(raised.value)
    assert "05000" not in str(raised.value)


@pytest.mark.parametrize(("row", "key", "reason"), BAD)
def test_a_row_that_cannot_be_called_is_skipped_on_request_and_the_others_stay(row, key, reason):
    listed = read([person(9), row, person(8)], invalid_recipients="skip")
    assert [one.key for one in listed.recipients] == ["k9", "k8"]
    assert list(listed.skipped) == [Skipped(key, reason)]


@pytest.mark.parametrize(
    ("message", "row", "reason"),
    [
        (None, person(1), "there is no text"),
        ("{name}", person(1, name=" "), "the text is empty"),
        ("", person(1), "the text is empty"),
    ],
)
def test_text_to_speech_needs_a_text(message, row, reason):
    with pytest.raises(InforuInputError, match=reason):
        read([row], message=message)


def test_reasons_are_grouped_and_long_lists_are_cut():
    rows = [person(number, phone=None) for number in range(12)] + [person(20, name=None)]
    with pytest.raises(InforuInputError) as raised:
        read(rows)
    assert "the phone is missing: k0, k1, k2, k3, k4, k5, k6, k7, k8, k9 and 2 more; the message" in str(
        raised.value
    )


def test_a_phone_that_came_before_is_skipped_by_default():
    listed = read([person(1), person(2, phone="+972-50-0000001")])
    assert [one.key for one in listed.recipients] == ["k1"]
    assert list(listed.skipped) == [Skipped("k2", "the phone came before")]


def test_a_phone_that_came_before_is_called_again_on_request():
    listed = read([person(1), person(2, phone="0500000001")], on_duplicate="send")
    assert [one.key for one in listed.recipients] == ["k1", "k2"]


def test_a_phone_that_came_before_fails_the_send_on_request():
    with pytest.raises(
        InforuInputError, match=r"1 recipient came twice, so nothing was sent: the phone came before: k2"
    ):
        read([person(1), person(2, phone="0500000001")], on_duplicate="fail")


def test_an_empty_list_is_no_error():
    assert list(read([]).recipients) == []


def test_the_repr_of_a_recipient_shows_its_key_only():
    assert repr(read([person(1)]).recipients[0]) == "Recipient(key='k1')"


def test_keys_are_listed_up_to_a_number():
    assert list_keys(["a", "b", "c"], shown=2) == "a, b and 1 more"
    assert list_keys(["a", "b"], shown=2) == "a, b"


@pytest.mark.parametrize("invalid_recipients", ["fail", "skip"])
def test_when_no_row_can_be_called_it_is_an_error_that_does_not_blame_the_rows(invalid_recipients):
    """A misspelt placeholder or a renamed column must not be a green task that called nobody."""
    with pytest.raises(InforuInputError, match=r"nobody can be called \(2 recipients\).*\{nmae\}.*: k1, k2"):
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
        "2 recipients cannot be called, so nothing was sent: the row has 1 field instead of 2: "
        "people.csv line 17; the phone has too few digits: k2. Mend"
    ) in str(raised.value)


def test_a_row_that_cannot_be_read_is_skipped_on_request_and_counts_as_a_row():
    rows = Stream({"phone": "0500000001"}, HALF, {"phone": "0500000002"}).rows
    listed = read_recipients(rows, RecipientRules(speaks=False, invalid_recipients="skip"))
    assert [one.key for one in listed.recipients] == ["1", "3"]
    assert list(listed.skipped) == [Skipped("people.csv line 17", "the row has 1 field instead of 2")]


def test_a_source_that_breaks_off_is_an_error_also_where_rows_may_be_skipped():
    stream = Stream(person(1), end=SourceError("people.csv line 3: this is not utf-8"))
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
