import gzip
import io
import os
import random
from pathlib import Path

import pytest
from airflow.sdk.io import attach
from fsspec.implementations.memory import MemoryFileSystem

from airflow_provider_inforu.recipients import opening
from airflow_provider_inforu.recipients.input_files import rows_of_file
from airflow_provider_inforu.recipients.input_rows import SourceError, StreamedRows

PEOPLE = "phone\n0500000001\n0500000002\n"
ROWS = [{"phone": "0500000001"}, {"phone": "0500000002"}]


@pytest.fixture
def bucket():
    """Let Airflow know a storage in memory, and return it."""
    storage = MemoryFileSystem()
    attach("memory", fs=storage)
    yield storage
    storage.store.clear()


def test_rows_have_the_name_of_their_file(write):
    rows = rows_of_file(write("people.csv", PEOPLE))
    assert isinstance(rows, StreamedRows)
    assert rows.name == "people.csv"


def test_a_path_may_be_a_path_object_or_a_url(write):
    path = write("people.csv", PEOPLE)
    assert list(rows_of_file(Path(path))) == ROWS
    assert list(rows_of_file(f"file://{path}")) == ROWS


def test_a_path_object_of_airflow_is_taken(write):
    from airflow.sdk import ObjectStoragePath

    rows = rows_of_file(ObjectStoragePath(f"file://{write('people.csv', PEOPLE)}"))
    assert rows.name == "people.csv"
    assert list(rows) == ROWS


@pytest.mark.parametrize("name", ["people.csv", "people.csv.gz"])
def test_a_file_may_be_in_any_storage_that_airflow_knows(bucket, name):
    content = PEOPLE.encode()
    bucket.pipe(f"/sources/{name}", gzip.compress(content) if name.endswith("gz") else content)
    assert list(rows_of_file(f"memory://sources/{name}")) == ROWS


def test_the_format_may_be_named_where_the_name_does_not_say_it(write):
    assert list(rows_of_file(write("people.txt", PEOPLE), file_format="csv")) == ROWS
    packed = write("people.txt.gz", gzip.compress(PEOPLE.encode()))
    assert list(rows_of_file(packed, file_format="csv")) == ROWS
    assert list(rows_of_file(write("people.csv", '{"phone": 1}'), file_format="ndjson")) == [{"phone": 1}]


@pytest.mark.parametrize(
    "name", ["people", "people.json", "people.xlsx", "people.gz", "people.csv.zip", "a.csv/people"]
)
def test_a_name_that_does_not_say_the_format_is_an_error_at_once(name):
    with pytest.raises(SourceError, match=r"one of: \.csv, .*\.parquet, .*file_format"):
        rows_of_file(name)


def test_an_unknown_format_is_an_error_at_once():
    with pytest.raises(
        SourceError, match=r"`file_format` must be one of csv, tsv, ndjson, parquet, not 'xml'"
    ):
        rows_of_file("people.csv", file_format="xml")


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere/people.csv",
        "/nowhere/people.parquet",
        "nosuch://bucket/people.csv",
        "memory://no/people.csv",
    ],
)
@pytest.mark.usefixtures("bucket")
def test_a_file_that_cannot_be_opened_is_an_error_with_the_first_row(path):
    rows = rows_of_file(path)
    with pytest.raises(SourceError, match=r"people\.\w+' cannot be opened \(\w+: .*\)\. Check"):
        next(iter(rows))


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "people.csv").mkdir()
    with pytest.raises(SourceError, match=r"cannot be opened \(IsADirectoryError"):
        list(rows_of_file(tmp_path / "people.csv"))


@pytest.mark.parametrize("name", ["people.csv.gz", "people.ndjson.gz"])
def test_a_packed_file_that_ends_in_the_middle_is_an_error(write, name):
    numbers = random.Random(7)
    text = "phone\n" + "".join(f'{{"x": "{numbers.random()}"}}\n' for _ in range(5000))
    packed = gzip.compress(text.encode())
    with pytest.raises(SourceError, match=r"from about line \d+ on: the file is truncated"):
        list(rows_of_file(write(name, packed[: len(packed) // 2])))
    with pytest.raises(SourceError, match=r"from about line \d+ on: the file is truncated"):
        list(rows_of_file(write(name, packed[:-4])))


def test_a_file_that_is_not_packed_or_damaged_is_an_error(write):
    with pytest.raises(
        SourceError,
        match=r"people\.csv\.gz cannot be read from about line 1 on: the file is damaged, or it is not gzip",
    ):
        list(rows_of_file(write("people.csv.gz", PEOPLE)))
    packed = bytearray(gzip.compress(PEOPLE.encode() * 100))
    packed[12] ^= 0xFF
    with pytest.raises(SourceError, match=r"the file is damaged, or it is not gzip"):
        list(rows_of_file(write("people.csv.gz", bytes(packed))))


def append_to(path):
    with Path(path).open("a") as file:
        file.write("0500000003\n")


def replace(path):
    Path(f"{path}.new").write_text(PEOPLE)
    os.replace(f"{path}.new", path)  # noqa: PTH105 - as a program that writes files does it


@pytest.mark.parametrize("change", [append_to, replace])
def test_a_file_that_changes_while_it_is_read_is_an_error(write, change):
    path = write("people.csv", PEOPLE)
    rows = iter(rows_of_file(path))
    next(rows)
    change(path)
    with pytest.raises(SourceError, match=r"people.csv' changed while it was read\. Write"):
        list(rows)


def test_a_file_that_changes_and_is_not_read_to_its_end_is_no_error(write):
    path = write("people.csv", PEOPLE)
    rows = rows_of_file(path)
    next(iter(rows))
    append_to(path)
    rows.close()


def test_a_file_system_that_tells_nothing_of_a_file_is_trusted(write, monkeypatch):
    monkeypatch.setattr(opening, "_MARKS_OF_A_VERSION", ())
    path = write("people.csv", PEOPLE)
    rows = iter(rows_of_file(path))
    next(rows)
    append_to(path)
    assert list(rows)


def test_a_file_that_is_gone_when_it_was_read_is_no_error(write):
    path = write("people.csv", PEOPLE)
    rows = iter(rows_of_file(path))
    next(rows)
    Path(path).unlink()
    assert list(rows) == ROWS[1:]


class Failing(io.BytesIO):
    """A file whose storage goes away."""

    def read1(self, size=-1):
        if found := super().read1(size):
            return found
        raise ConnectionResetError("the bucket is away")


def test_a_storage_that_fails_in_the_middle_is_an_error(write, monkeypatch):
    monkeypatch.setattr(opening.io, "BufferedReader", lambda *_: Failing(b"phone\n0500"))
    with pytest.raises(SourceError, match=r"from about line 2 on: ConnectionResetError: the bucket is away"):
        list(rows_of_file(write("people.csv", PEOPLE)))
