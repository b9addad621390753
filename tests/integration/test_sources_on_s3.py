"""Files of people in a bucket, through Airflow's own S3 file system and a server that speaks its protocol."""

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from airflow_provider_inforu.recipients.input_files import rows_of_file
from airflow_provider_inforu.recipients.input_rows import SourceError
from tests.integration.s3 import s3_client, s3_server

pytestmark = pytest.mark.integration

ROWS = [{"id": str(number), "phone": f"05000{number % 100_000:05}"} for number in range(200_000)]
CSV = "id,phone\n" + "".join(f"{row['id']},{row['phone']}\n" for row in ROWS)


@pytest.fixture(scope="module")
def client():
    """Return a client of the server whose bucket `people` the connection `aws_people` reaches."""
    with s3_server("aws_people") as url:
        client = s3_client(url)
        client.create_bucket(Bucket="people")
        yield client


def put(client, name, content):
    client.put_object(Bucket="people", Key=name, Body=content)
    return f"s3://aws_people@people/{name}"


def parquet():
    written = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(ROWS), written, row_group_size=50_000)
    return written.getvalue().to_pybytes()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("people.csv", lambda: CSV.encode()),
        ("people.csv.gz", lambda: gzip.compress(CSV.encode())),
        ("people.ndjson", lambda: "\n".join(map(json.dumps, ROWS)).encode()),
        ("people.parquet", parquet),
    ],
)
def test_each_format_is_read_from_a_bucket(client, name, content):
    rows = rows_of_file(put(client, name, content()), columns=["phone"])
    assert rows.name == name
    assert list(rows) == ROWS


def test_an_object_that_is_not_there_is_an_error(client):  # noqa: ARG001 - the server
    with pytest.raises(SourceError, match=r"nobody\.csv' cannot be opened \(FileNotFoundError"):
        list(rows_of_file("s3://aws_people@people/nobody.csv"))


def test_an_object_that_is_written_again_while_it_is_read_is_an_error(client):
    rows = iter(rows_of_file(put(client, "again.csv", b"phone\n0500000001\n0500000002\n")))
    next(rows)
    put(client, "again.csv", b"phone\n0500000003\n0500000004\n")
    with pytest.raises(SourceError, match=r"again\.csv' changed while it was read"):
        list(rows)
