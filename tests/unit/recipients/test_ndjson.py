import gzip
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_inforu.capi.phones import InvalidPhoneError, normalize_phone
from airflow_provider_inforu.recipients.input_files import rows_of_file
from airflow_provider_inforu.recipients.input_rows import BadRow, SourceError
from airflow_provider_inforu.recipients.lines import DEFAULT_ENCODING, read_lines
from airflow_provider_inforu.recipients.ndjson_file import ndjson_rows
from airflow_provider_inforu.recipients.row_parser import InvalidRowError, write_key

DANA = {"phone": 500000001, "name": "דנה", "vip": True}


@pytest.mark.parametrize("name", ["people.ndjson", "people.jsonl", "people.JSONL"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_each_line_is_an_object(write, name, line_end):
    text = f"\ufeff{json.dumps(DANA)}{line_end}  {line_end}{json.dumps({'phone': '0500000002'})}"
    assert list(rows_of_file(write(name, text))) == [DANA, {"phone": "0500000002"}]


@pytest.mark.parametrize(
    "written", ["5.23E+08", "5.23e8", "523e6", "-5.23e8", "1E6", "1.23457e+06", "9.99e15"]
)
def test_a_number_without_its_last_digits_is_neither_a_phone_nor_a_key(write, written):
    """It would be the phone or the key of another person. In a text, it is a number like any other."""
    (row,) = rows_of_file(write("people.jsonl", f'{{"phone": {written}}}'))
    assert row == {"phone": float(written)}
    with pytest.raises(
        InvalidPhoneError, match="the phone is a rounded number, so its last digits may be lost"
    ):
        normalize_phone(row["phone"])
    with pytest.raises(InvalidRowError, match="the key is a rounded number, so its last digits may be lost"):
        write_key(row["phone"])


@pytest.mark.parametrize(
    "written",
    ["523000001.0", "5.23000001E+08", "523000000", "1e5", "1e-5", "1e16", "12.50", "0e99999999999999999999"],
)
def test_another_number_is_a_key_as_any_number(write, written):
    (row,) = rows_of_file(write("people.jsonl", f'{{"id": {written}}}'))
    assert row == {"id": float(written)}
    assert write_key(row["id"]) == write_key(json.loads(written))


def test_an_object_with_the_same_name_twice_is_unreadable_but_not_for_one_within_it(write):
    lines = [
        '{"id": "k1", "phone": "0500000001", "phone": "0500000002"}',
        '{"id": "k2", "x": {"a": 1, "a": 2}}',
        '{"x": {"a": 1, "a": 2}, "x": 3}',
        '{"id": "k4"}',
    ]
    reason = "the line has the same field name twice"
    assert list(rows_of_file(write("people.jsonl", "\n".join(lines)))) == [
        BadRow("people.jsonl", 1, reason),
        {"id": "k2", "x": {"a": 2}},
        BadRow("people.jsonl", 3, reason),
        {"id": "k4"},
    ]


def test_a_packed_file_is_unpacked(write):
    path = write("people.ndjson.gz", gzip.compress(json.dumps(DANA).encode()))
    assert list(rows_of_file(path)) == [DANA]


def test_line_ends_within_a_text_that_json_allows_end_no_row(write):
    path = write("people.jsonl", '{"name": "a\u2028b\x85c"}\n')
    assert list(rows_of_file(path)) == [{"name": "a\u2028b\x85c"}]


def test_lines_that_are_no_object_are_named(write):
    lines = [
        json.dumps(DANA),
        "",
        '["0500000001"]',
        '"0500000001"',
        "500000001",
        "5.0",
        "5e8",
        "true",
        "null",
        "{'phone': 1}",
        "9" * 5000,
        "[" * 100_000,
        '{"phone": "0500',
    ]
    assert list(rows_of_file(write("people.jsonl", "\n".join(lines)))) == [
        DANA,
        *(
            BadRow("people.jsonl", line, reason)
            for line, reason in [
                (3, "the line is a JSON list, not an object"),
                (4, "the line is a JSON text, not an object"),
                (5, "the line is a JSON number, not an object"),
                (6, "the line is a JSON number, not an object"),
                (7, "the line is a JSON number, not an object"),
                (8, "the line is a JSON boolean, not an object"),
                (9, "the line is a JSON null, not an object"),
                *((number, "the line is not valid JSON") for number in range(10, 14)),
            ]
        ),
    ]


def test_another_encoding_is_an_error_that_names_the_line(write):
    text = "\n".join([json.dumps(DANA)] * 500 + [json.dumps(DANA, ensure_ascii=False)])
    path = write("people.jsonl", text, "cp1255")
    with pytest.raises(SourceError, match=r"people.jsonl line 501: the text is not utf-8"):
        list(rows_of_file(path))
    assert list(rows_of_file(path, encoding="cp1255")) == [DANA] * 501


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(st.lists(st.dictionaries(st.text(max_size=4), VALUES, max_size=4), max_size=6), st.booleans())
def test_what_json_wrote_comes_back_the_same(rows, ascii_only):
    text = "".join(json.dumps(row, ensure_ascii=ascii_only) + "\n" for row in rows)
    try:
        content = text.encode()
    except UnicodeEncodeError:  # half a character
        content = "".join(json.dumps(row) + "\n" for row in rows).encode()
    lines = read_lines(io.BytesIO(content), "people.jsonl", DEFAULT_ENCODING, newline="\n")
    assert list(ndjson_rows(lines, "people.jsonl")) == rows
