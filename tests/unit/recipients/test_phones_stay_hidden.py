"""Wherever a phone stands in a row, no message, log line or reason shows its digits."""

import json
import logging
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.operators.recipient_list import read_people
from airflow_provider_inforu.recipients.input_rows import BadRow
from airflow_provider_inforu.recipients.recipient_rules import RecipientRules
from airflow_provider_inforu.recipients.texts import TextTemplate

PHONES = {"0500000001", "0779876543", "025551234"}
"""Two mobile or internet numbers and a landline."""


def spell(phone, separator, country):
    head, body = (phone[:3], phone[3:]) if len(phone) == 10 else (phone[:2], phone[2:])
    parts = [head, body[:3], body[3:]]
    if country:
        parts = [country, head[1:], *parts[1:]]
    return separator.join(parts)


spelled = st.builds(
    spell,
    st.sampled_from(sorted(PHONES)),
    st.sampled_from(["", "-", " ", ".", " - ", "\u200e"]),
    st.sampled_from(["", "972", "+972", "00972"]),
)
# A digit that touches a phone makes it another number.
before = st.sampled_from(["", "order-", "לקוח ", "#", "x ", "7/", "_", "17-", "2026-", "\n"])
after = st.sampled_from(["", "-order", " לקוח", "#", " x", "/7", "_", "-17", "\n"])
letters = st.sampled_from(["", "id", "ל"])
with_phone = st.one_of(
    spelled,
    st.builds(lambda *parts: "".join(parts), before, spelled, after),
    letters.map(lambda word: word + "0500000001"),
)
number = st.sampled_from([int(phone) for phone in sorted(PHONES)] + [500000001.0])
cell = st.one_of(with_phone, number, st.none(), st.just(float("nan")), st.text(max_size=8), st.just(7))
# A number without its zero is an ordinary key, unless it is the phone of its own row.
key = st.one_of(with_phone, st.none(), st.text(max_size=8), st.just(7))
mapping = st.fixed_dictionaries({}, optional={"id": key, "phone": cell, "name": cell, "message": cell})
keyed_by_a_phone = st.builds(lambda phone: {phone: "x"}, with_phone)
row = st.one_of(mapping, mapping, with_phone, number, st.lists(with_phone, max_size=2), keyed_by_a_phone)


def digits(text):
    return re.sub(r"\D", "", text)


def shows_a_phone(text):
    shown = digits(text)
    return any(phone.lstrip("0") in shown for phone in PHONES)


@pytest.mark.parametrize("key_field", ["id", None])
@pytest.mark.parametrize("invalid_recipients", ["fail", "skip"])
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(row, max_size=6), suppress=st.none() | st.lists(row, max_size=2))
def test_no_message_shows_a_phone_of_any_cell_or_key(key_field, invalid_recipients, caplog, rows, suppress):
    rules = RecipientRules(
        key_field=key_field,
        template=TextTemplate("Hello {name}"),
        invalid_recipients=invalid_recipients,
    )
    caplog.clear()
    shown = []
    with caplog.at_level(logging.DEBUG):
        try:
            people = read_people(rows, rules, suppress=suppress)
        except InforuInputError as error:
            shown.append(str(error))
        else:
            shown += [f"{one.key} {one.reason}" for one in people.skipped]
            shown += [f"{one!r}" for one in people.recipients]
    shown += caplog.messages
    assert not [text for text in shown if shows_a_phone(text)]


@pytest.mark.parametrize("name", ["people.ndjson", "people.csv"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(mapping, max_size=5), torn=st.booleans(), header=with_phone)
def test_no_message_about_a_file_shows_a_phone_of_it(tmp_path, caplog, name, rows, torn, header):
    path = tmp_path / name
    lines = [json.dumps(one) for one in rows]
    if name.endswith(".csv"):
        lines = ["id,phone,name" if torn else header.strip()]
        # Each value in its own column: a number without its zero is an ordinary key.
        lines += [",".join(str(one.get(name, "")) for name in ("id", "phone", "name")) for one in rows]
    path.write_text("\n".join(lines)[: -2 if torn else None], encoding="utf-8")
    rules = RecipientRules(key_field="id", speaks=False)
    caplog.clear()
    with caplog.at_level(logging.DEBUG):
        try:
            read_people(str(path), rules)
        except InforuInputError as error:
            caplog.messages.append(str(error))
            assert not shows_a_phone(str(error))
    assert not [text for text in caplog.messages if shows_a_phone(text)]


@pytest.mark.parametrize(
    ("key", "phone"),
    [
        ("order-0500000001", "0500000001"),
        ("order-0500000001", "no phone"),
        ("order 050-000-0001 b", "0500000002"),
        ("id0500000001", "0500000002"),
        ("c500000001", "0500000001"),
        ("c500000001", "0500000001 ext 5"),
        ("500000001", "+972-50-0000001"),
    ],
)
def test_a_key_that_contains_a_phone_is_refused_by_the_number_of_its_row(key, phone):
    rows = [{"id": "a", "phone": "0500000007"}, {"id": key, "phone": phone}]
    with pytest.raises(InforuInputError, match=r"may contain a phone number.*\(row 2\)") as raised:
        read_people(rows, RecipientRules(key_field="id", speaks=False))
    assert key not in str(raised.value)


def test_an_unreadable_row_of_suppressed_people_is_named_by_its_place():
    with pytest.raises(InforuInputError, match=r"optouts\.csv line 3") as raised:
        read_people([], RecipientRules(), suppress=[BadRow("optouts.csv", 3, "the row has 1 field, not 2")])
    assert not shows_a_phone(str(raised.value))
