import gzip
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_inforu.recipients.input_files import rows_of_file
from airflow_provider_inforu.recipients.input_rows import BadRow, SourceError
from airflow_provider_inforu.recipients.lines import DEFAULT_ENCODING, read_lines
from airflow_provider_inforu.recipients.ndjson_file import ndjson_rows

DANA = {"phone": 500000001, "name": "דנה", "vip": True}


@pytest.mark.parametrize("name", ["people.ndjson", "people.jsonl", "people.JSONL"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_each_line_is_an_object(write, name, line_end):
    text = f"\ufeff{json.dumps(DANA)}{line_end}  {line_end}{json.dumps({'phone': '0500000002'})}"
    assert list(rows_of_file(write(name, text))) == [DANA, {"phone": "0500000002"}]


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
                (7, "the line is a JSON boolean, not an object"),
                (8, "the line is a JSON null, not an object"),
                (9, "the line is not valid JSON"),
                (10, "the line is not valid JSON"),
                (11, "the line is not valid JSON"),
                (12, "the line is not valid JSON"),
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
