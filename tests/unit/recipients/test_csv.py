import csv
import gzip
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_inforu.recipients.csv_file import csv_rows
from airflow_provider_inforu.recipients.input_files import rows_of_file
from airflow_provider_inforu.recipients.input_rows import BadRow, SourceError
from airflow_provider_inforu.recipients.lines import DEFAULT_ENCODING, read_lines

DANA = {"phone": "0500000001", "name": "דנה"}
YOSSI = {"phone": "0500000002", "name": "יוסי"}


def bad(line, reason, name="people.csv"):
    return BadRow(name, line, reason)


@pytest.mark.parametrize(
    "content",
    [
        "phone,name\n0500000001,דנה\n0500000002,יוסי\n",
        "phone,name\n0500000001,דנה\n0500000002,יוסי",
        "\ufeffphone,name\r\n0500000001,דנה\r\n0500000002,יוסי\r\n",
        '\ufeff"phone","name"\n0500000001,דנה\n0500000002,יוסי\n',
        "phone,name\r0500000001,דנה\r0500000002,יוסי\r",
        "phone,name\n0500000001,דנה\r\n0500000002,יוסי\r",
        "\n\nphone,name\n\n0500000001,דנה\n   \n\r\n0500000002,יוסי\n\n",
    ],
)
def test_the_first_row_names_the_columns_whatever_the_line_ends(write, content):
    assert list(rows_of_file(write("people.csv", content))) == [DANA, YOSSI]


@pytest.mark.parametrize("encoding", ["utf-8", "UTF8", "utf-8-sig", None])
def test_the_mark_of_utf_8_is_no_part_of_a_name(write, encoding):
    path = write("people.csv", "\ufeffphone\n0500000001\n")
    assert list(rows_of_file(path, encoding=encoding)) == [{"phone": "0500000001"}]


@pytest.mark.parametrize("encoding", ["cp1255", "windows-1255", "iso-8859-8", "utf-16"])
def test_a_file_is_read_in_the_encoding_that_is_named(write, encoding):
    path = write("people.csv", "phone,name\n0500000001,דנה\n", encoding)
    assert list(rows_of_file(path, encoding=encoding)) == [DANA]


def test_a_tsv_file_is_separated_by_tabs(write):
    path = write("people.tsv", "phone\tname\n0500000001\tכהן, דנה\n")
    assert list(rows_of_file(path)) == [{"phone": "0500000001", "name": "כהן, דנה"}]


@pytest.mark.parametrize("name", ["people.csv.gz", "PEOPLE.CSV.GZ"])
def test_a_packed_file_is_unpacked(write, name):
    packed = gzip.compress("phone,name\n0500000001,דנה\n".encode())
    more = gzip.compress("0500000002,יוסי\n".encode())
    assert list(rows_of_file(write(name, packed + more))) == [DANA, YOSSI]


def test_quoted_cells_have_line_breaks_quotes_and_commas(write):
    path = write("people.csv", 'phone,name\n0500000001,"ד""ר\r\nכהן, דנה"\n0500000002,ד"ר לוי\n')
    assert [row["name"] for row in rows_of_file(path)] == ['ד"ר\r\nכהן, דנה', 'ד"ר לוי']


def test_rows_that_cannot_be_read_are_named_by_the_line_on_which_they_begin(write):
    path = write(
        "people.csv",
        "phone,name\n"
        "0500000001\n"
        '0500000001,"two\nlines"\n'
        "0500000001,דנה,x\n"
        "\n"
        '0500000001,"a\nb",x\n'
        "0500000001,a\0b\n"
        '"0500000001"x,דנה\n'
        "0500000002,יוסי\n"
        '0500000001,"דנ',
    )
    assert list(rows_of_file(path)) == [
        bad(2, "the row has 1 field instead of 2"),
        {"phone": "0500000001", "name": "two\nlines"},
        bad(5, "the row has 3 fields instead of 2"),
        bad(7, "the row has 3 fields instead of 2, up to line 8"),
        bad(9, "the row contains a NUL character"),
        bad(10, "the row has a quote that is not closed, or text after the closing quote"),
        YOSSI,
        bad(12, "the row has a quote that is not closed, or text after the closing quote"),
    ]


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ('0500000001,"דנה\n0500000002,יוסי\n', "people.csv line 3: a quote opens here.* up to line 4"),
        ('0500000001,"דנה\n0500000002,"יוסי\n', "people.csv line 3: a quote opens here.* up to line 4"),
    ],
)
def test_a_quote_that_swallows_other_rows_is_an_error_and_no_skipped_row(write, rest, message):
    rows = iter(rows_of_file(write("people.csv", f"phone,name\n0500000003,x\n{rest}")))
    assert next(rows) == {"phone": "0500000003", "name": "x"}
    with pytest.raises(SourceError, match=message) as raised:
        next(rows)
    assert "050" not in str(raised.value)


def test_a_cell_that_is_too_long_is_an_error(write):
    path = write("people.csv", f"phone,name\n0500000001,{'x' * 200_000}\n")
    with pytest.raises(SourceError, match=r"people.csv line 2: a cell has more than 131,072 characters"):
        list(rows_of_file(path))


def test_a_file_without_line_ends_is_not_read_into_memory(write):
    path = write("people.csv.gz", gzip.compress(b"phone\n" + b"x" * 5_000_000))
    with pytest.raises(SourceError, match=r"people.csv.gz line 2 has more than 1,000,000 characters"):
        list(rows_of_file(path))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "people.csv is empty"),
        ("\ufeff", "people.csv is empty"),
        ("\n\r\n", "people.csv is empty"),
        ("phone,,name\n", "people.csv: column 2 has no name"),
        ("phone,name,\n", "people.csv: column 3 has no name"),
        ("phone,name,phone\n", "people.csv has more than one column 'phone'"),
        ('"phone"x\n', "people.csv line 1 .*column names.*: the row has a quote"),
        ("tel,name\n", r"people.csv has no column 'phone'. The columns are 'tel', 'name'."),
        (
            "0500000001,Dana\n",
            "people.csv has no column 'phone'. The first row may contain a phone number",
        ),
        (
            "phone;name\n",
            "The columns are 'phone;name'. The cells look separated by semicolons: save it with commas",
        ),
        ("phone\tname\n", "look separated by tabs: name it .tsv."),
    ],
)
def test_what_is_wrong_with_the_columns_is_one_error(write, content, message):
    path = write("people.csv", content)
    with pytest.raises(SourceError, match=message) as raised:
        list(rows_of_file(path, columns=["phone"]))
    assert "0500000001" not in str(raised.value)


def test_tabs_are_missed_in_a_tsv_file(write):
    path = write("people.tsv", "phone,name\n")
    with pytest.raises(SourceError, match=r"look separated by commas: save it with tabs"):
        list(rows_of_file(path, columns=["phone"]))


@pytest.mark.parametrize("rows_before", [0, 1, 3000])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_another_encoding_is_an_error_that_names_the_line_and_hints_at_hebrew(write, rows_before, line_end):
    rows = f"0500000001,Dana{line_end}" * rows_before
    path = write("people.csv", f"phone,name{line_end}{rows}0500000001,דנה{line_end}0500000002,x", "cp1255")
    with pytest.raises(SourceError) as raised:
        list(rows_of_file(path))
    assert str(raised.value) == (
        f"people.csv line {rows_before + 2}: the text is not utf-8. "
        "Set its encoding, such as encoding='cp1255' for Hebrew from Windows."
    )


def test_a_file_that_ends_within_a_character_is_an_error(write):
    path = write("people.csv", "phone,name\n0500000001,דנה".encode()[:-1])
    with pytest.raises(SourceError, match=r"people.csv line 2: the text is not utf-8"):
        list(rows_of_file(path))


def test_utf_16_is_recognised(write):
    path = write("people.csv", "phone,name\n", "utf-16")
    with pytest.raises(
        SourceError, match=r"line 1: the text is not utf-8. The file begins like UTF-16: .*utf-16"
    ):
        list(rows_of_file(path))


def test_utf_16_that_is_none_is_an_error(write):
    with pytest.raises(SourceError, match=r"people.csv line 1: the text is not utf-16"):
        list(rows_of_file(write("people.csv", "phone,name\n"), encoding="utf-16"))


@pytest.mark.parametrize("encoding", ["cp1555", "hex", "", "a\0b"])
def test_an_unknown_encoding_is_an_error_before_the_file_is_opened(encoding):
    with pytest.raises(SourceError, match=r"`encoding` is .* unknown"):
        rows_of_file("nowhere.csv", encoding=encoding)


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
NAMES = st.text("abנה,\"' \n", min_size=1, max_size=4).filter(str.strip)
TABLES = st.lists(NAMES, min_size=2, max_size=4, unique=True).flatmap(
    lambda header: st.tuples(
        st.just(header), st.lists(st.lists(CELLS, min_size=len(header), max_size=len(header)), max_size=6)
    )
)


# With another line end the writer leaves some line breaks in cells unquoted, unless it quotes all.
STYLES = st.sampled_from(
    [("\r\n", csv.QUOTE_MINIMAL), ("\r\n", csv.QUOTE_ALL), ("\n", csv.QUOTE_ALL), ("\r", csv.QUOTE_ALL)]
)


@given(TABLES, st.sampled_from([",", "\t"]), STYLES)
def test_what_a_csv_writer_wrote_comes_back_the_same_but_for_empty_cells_which_are_none(
    table, delimiter, style
):
    header, rows = table
    written = io.StringIO(newline="")
    line_end, quoting = style
    csv.writer(written, delimiter=delimiter, lineterminator=line_end, quoting=quoting).writerows(
        [header, *rows]
    )
    lines = read_lines(io.BytesIO(written.getvalue().encode()), "people.csv", DEFAULT_ENCODING, newline="")
    expected = [dict(zip(header, (cell or None for cell in row), strict=True)) for row in rows]
    assert list(csv_rows(lines, "people.csv", delimiter, ())) == expected


def test_a_file_that_is_no_text_is_not_advised_the_encoding_that_it_has(write):
    path = write("people.csv", b"PAR1\x15\x04\xff\xfe\xd9\n")
    with pytest.raises(SourceError, match=r"the text is not cp1255\. Check that it is a text file"):
        list(rows_of_file(path, encoding="cp1255"))


@given(st.binary(max_size=60), st.sampled_from(["utf-8-sig", "cp1255", "utf-16", "shift_jis"]))
def test_whatever_bytes_there_are_they_give_rows_bad_rows_or_an_error_of_ours(content, encoding):
    lines = read_lines(io.BytesIO(b"a,b\n" + content), "people.csv", encoding, newline="")
    try:
        rows = list(csv_rows(lines, "people.csv", ",", ()))
    except SourceError:
        return
    assert all(isinstance(row, BadRow) or set(row) == {"a", "b"} for row in rows)


@pytest.mark.parametrize("encoding", ["cp1255", "cp1252", "latin-1"])
def test_a_file_that_begins_as_utf_8_is_not_read_in_another_encoding(write, encoding):
    path = write("people.csv", "phone,name\n0500000001,דנה\n", "utf-8-sig")
    with pytest.raises(SourceError, match=r"begins with the byte order mark of UTF-8.*Remove `encoding`"):
        list(rows_of_file(path, encoding=encoding))
