import datetime as dt
import io
import sys
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_inforu.recipients.input_files import rows_of_file
from airflow_provider_inforu.recipients.input_rows import AnyOf, BadRow, SourceError
from airflow_provider_inforu.recipients.parquet_file import parquet_rows


@pytest.fixture
def save(tmp_path):
    """Write a table to a Parquet file and return its path."""

    def save_table(columns, names=None, **options):
        table = pa.Table.from_arrays(list(columns), names=names) if names else pa.table(columns)
        pq.write_table(table, tmp_path / "people.parquet", **options)
        return str(tmp_path / "people.parquet")

    return save_table


@pytest.mark.parametrize("kind", [pa.float16(), pa.float32()])
@pytest.mark.parametrize("required", [["phone", "id"], AnyOf(["id", "phone"])])
def test_a_column_of_numbers_that_lose_the_last_digits_of_a_phone_is_refused(save, kind, required):
    phones = pa.array([1.5], kind)
    with pytest.raises(SourceError, match="the column 'phone' has floating-point numbers of at most 32 bits"):
        list(rows_of_file(save({"id": ["k1"], "phone": phones, "sum": phones}), columns=required))


def test_numbers_of_64_bits_and_those_of_other_columns_are_read(save):
    columns = {"phone": pa.array([500000001.0], pa.float64()), "sum": pa.array([1.5], pa.float32())}
    assert list(rows_of_file(save(columns), columns=["phone"])) == [{"phone": 500000001.0, "sum": 1.5}]


def test_values_are_those_of_python(save):
    columns = {
        "phone": ["0500000001", None],
        "id": [17, 2**40],
        "sum": [Decimal("12.50"), None],
        "at": [dt.datetime(2026, 1, 15, 12, tzinfo=dt.UTC), None],
        "day": [dt.date(2026, 1, 15), None],
        "name": ["דנה", ""],
    }
    expected = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    assert list(rows_of_file(save(columns), columns=["phone", "id"])) == expected


def test_all_batches_and_row_groups_are_read_in_order(save):
    path = save({"id": list(range(5000))}, row_group_size=1700)
    assert [row["id"] for row in rows_of_file(path)] == list(range(5000))


@pytest.mark.parametrize("compression", ["none", "snappy", "gzip", "zstd"])
def test_a_file_is_packed_inside(save, compression):
    path = save({"phone": ["0500000001"]}, compression=compression)
    assert list(rows_of_file(path)) == [{"phone": "0500000001"}]


def test_an_empty_table_has_no_rows(save):
    assert list(rows_of_file(save({"phone": pa.array([], pa.string())}), columns=["phone"])) == []


def test_what_is_wrong_with_the_columns_is_one_error(save):
    with pytest.raises(SourceError, match=r"people.parquet has no column 'phone'. The columns are 'tel'"):
        list(rows_of_file(save({"tel": ["0500000001"]}), columns=["phone"]))
    with pytest.raises(SourceError, match=r"people.parquet has more than one column 'phone'"):
        list(rows_of_file(save([pa.array(["0500000001"])] * 2, names=["phone", "phone"])))
    with pytest.raises(SourceError, match=r"people.parquet: column 1 has no name"):
        list(rows_of_file(save([pa.array(["0500000001"])], names=[""])))
    with pytest.raises(SourceError, match=r"people.parquet has no columns"):
        list(rows_of_file(save({})))


def test_a_row_with_a_value_that_python_cannot_hold_is_named_and_the_others_stay(save):
    rows = list(
        rows_of_file(
            save({"id": list(range(1002)), "at": pa.array([0] * 1000 + [2**60, 1], pa.timestamp("ms"))})
        )
    )
    assert [row["id"] for row in rows[:1000] + rows[1001:]] == [*range(1000), 1001]
    assert isinstance(rows[1000], BadRow)
    assert rows[1000].name == "people.parquet row 1001"
    assert rows[1000].reason.startswith("the row has a value that Python")


@pytest.mark.parametrize("content", [b"", b"phone\n0500000001\n", b"PAR1" + b"\0" * 50 + b"PAR1"])
def test_a_file_of_another_kind_is_an_error(write, content):
    with pytest.raises(
        SourceError, match=r"people.parquet cannot be read: it is damaged, or it is not a Parquet file"
    ) as raised:
        list(rows_of_file(write("people.parquet", content)))
    assert "0500000001" not in str(raised.value)


def test_a_file_that_ends_in_the_middle_is_an_error(save, write):
    with open(save({"id": list(range(5000))}), "rb") as file:  # noqa: PTH123 - as any program reads it
        content = file.read()
    with pytest.raises(SourceError, match=r"it is damaged, or it is not a Parquet file"):
        list(rows_of_file(write("people.parquet", content[: len(content) // 2])))


def test_a_file_that_is_damaged_in_the_middle_is_an_error(save, write):
    with open(save({"id": list(range(5000))}, write_page_checksum=True), "rb") as file:  # noqa: PTH123
        content = bytearray(file.read())
    content[4000] ^= 1
    with pytest.raises(SourceError, match=r"it is damaged, or it is not a Parquet file"):
        list(rows_of_file(write("people.parquet", bytes(content))))


def test_options_of_other_formats_are_an_error_at_once():
    with pytest.raises(SourceError, match=r"`encoding` is set, but .* is a Parquet file"):
        rows_of_file("people.parquet", encoding="cp1255")
    with pytest.raises(SourceError, match=r"packed with gzip, which cannot be read"):
        rows_of_file("people.parquet.gz")


def test_without_pyarrow_the_error_says_what_to_install(save, monkeypatch):
    path = save({"phone": ["0500000001"]})
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(SourceError, match=r"pip install 'airflow-provider-inforu\[parquet\]'"):
        list(rows_of_file(path))


ROWS = st.fixed_dictionaries(
    {
        "text": st.none() | st.text(st.characters(codec="utf-8"), max_size=5),
        "number": st.none() | st.integers(-(2**63), 2**63 - 1),
        "real": st.none() | st.floats(allow_nan=False),
        "yes": st.none() | st.booleans(),
        "day": st.none() | st.dates(),
        "list": st.none() | st.lists(st.integers(0, 9), max_size=3),
    }
)
SCHEMA = pa.schema(
    {
        "text": pa.string(),
        "number": pa.int64(),
        "real": pa.float64(),
        "yes": pa.bool_(),
        "day": pa.date32(),
        "list": pa.list_(pa.int64()),
    }
)


@given(st.lists(ROWS, max_size=8), st.integers(1, 4))
def test_what_pyarrow_wrote_comes_back_the_same(rows, row_group_size):
    written = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), written, row_group_size=row_group_size)
    written.seek(0)
    assert list(parquet_rows(written, "people.parquet", ())) == rows
