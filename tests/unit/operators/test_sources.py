"""People of files and queries, through Airflow's real task runner."""

import gzip
import json
import sqlite3
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from airflow.sdk import DAG, ObjectStoragePath

from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.operators.arguments import InvalidArgumentError
from airflow_provider_inforu.operators.voice import InforuSendTextToSpeechOperator
from airflow_provider_inforu.transfers.sql_to_voice import (
    SqlToInforuCampaignOperator,
    SqlToInforuVoiceOperator,
)
from tests.task_runner import TaskRunner
from tests.unit.operators.test_voice import log_of, people, text_to_speech

pytestmark = pytest.mark.usefixtures("sandbox", "database")

HEADER = "id,phone,name\n"


def query_of_people(kind=SqlToInforuVoiceOperator, **options):
    options = {"sql": "SELECT * FROM people ORDER BY phone", **options}
    if kind is SqlToInforuVoiceOperator:
        options["message"] = "שלום {name}"
    with DAG("dag", template_searchpath=options.pop("template_searchpath", None)):
        return kind(task_id="call", conn_id="people_db", key_field="id", retries=2, **options)


@pytest.fixture
def database(tmp_path, monkeypatch):
    path = tmp_path / "people.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE people (id, phone, name)")
        connection.executemany("INSERT INTO people VALUES (:id, :phone, :name)", people(250))
    monkeypatch.setenv("AIRFLOW_CONN_PEOPLE_DB", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    return path


def write_csv(path, rows, encoding="utf-8"):
    lines = (f"{row['id']},{row['phone']},{row['name']}\n" for row in rows)
    path.write_bytes((HEADER + "".join(lines)).encode(encoding))
    return path


def write_file(path):
    rows = people(120)
    if path.suffix == ".csv":
        return write_csv(path, rows)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(write_csv(path.with_suffix(""), rows).read_bytes()))
    elif path.suffix == ".ndjson":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        pq.write_table(pa.Table.from_pylist(rows), path)
    return path


@pytest.mark.parametrize("name", ["people.csv", "people.csv.gz", "people.ndjson", "people.parquet"])
@pytest.mark.parametrize("make", [str, Path, ObjectStoragePath, "{{{{ '{}' }}}}".format, "file://{}".format])
def test_the_people_of_a_file_are_called(runner, sandbox, tmp_path, name, make):
    path = write_file(tmp_path / name)
    assert runner.run(text_to_speech(make(path))) == "success"
    assert sorted(call["phone"] for call in sandbox.calls()) == [row["phone"] for row in people(120)]
    assert {call["text"] for call in sandbox.calls()} == {"שלום דנה"}
    assert runner.rendered["recipients"] in ("<rows: str>", "<rows: PosixPath>", "<rows: ObjectStoragePath>")


def test_a_file_may_be_in_an_encoding_of_its_own(runner, sandbox, tmp_path, capsys):
    path = write_csv(tmp_path / "people.csv", people(2), "cp1255")
    assert runner.run(text_to_speech(str(path))) == "up_for_retry"
    assert "people.csv line 2" in log_of(capsys)
    assert sandbox.requests() == []
    assert runner.run(text_to_speech(str(path), encoding="cp1255"), try_number=2) == "success"
    assert sandbox.calls()[0]["text"] == "שלום דנה"


def test_a_file_that_changed_between_two_tries_stops_the_task(runner, sandbox, tmp_path, capsys):
    path = write_csv(tmp_path / "people.csv", people(200))
    sandbox.add_fault("status", status_id=-13)
    assert runner.run(text_to_speech(str(path))) == "up_for_retry"
    called = len(sandbox.calls())
    write_csv(path, people(201))
    assert runner.run(text_to_speech(str(path)), try_number=2) == "failed"
    assert "the recipients changed since the first try" in log_of(capsys)
    assert len(sandbox.calls()) == called


def test_a_row_that_cannot_be_read_is_named_by_its_line(runner, sandbox, tmp_path, capsys):
    path = tmp_path / "people.csv"
    path.write_text(f"{HEADER}k1,0500000001,x\nk2,0500000002\nk3,0500000003,x\n")
    assert runner.run(text_to_speech(str(path))) == "failed"
    assert "1 row cannot be called" in log_of(capsys)
    assert runner.run(text_to_speech(str(path), invalid_recipients="skip"), try_number=2) == "success"
    assert "people.csv line 3" in log_of(capsys)
    assert len(sandbox.calls()) == 2


def test_a_missing_column_is_one_error(runner, sandbox, tmp_path, capsys):
    path = write_csv(tmp_path / "people.csv", people(3))
    assert runner.run(text_to_speech(str(path), phone_field="mobile")) == "up_for_retry"
    assert "people.csv has no column 'mobile'. The columns are 'id', 'phone', 'name'" in log_of(capsys)
    assert sandbox.requests() == []


def test_an_empty_cell_is_a_missing_field(runner, sandbox, tmp_path, capsys):
    path = tmp_path / "people.csv"
    path.write_text(f"{HEADER}k1,0500000001,\n")
    assert runner.run(text_to_speech(str(path))) == "failed"
    assert "the field 'name' of the message is missing or empty (key k1)" in log_of(capsys)
    assert sandbox.requests() == []


def test_text_that_is_no_file_is_an_error_that_says_what_would_be(runner, capsys):
    assert runner.run(text_to_speech("[{'phone': '0500000001'}]")) == "failed"
    log = log_of(capsys)
    assert "`recipients` must be a list" in log
    assert ".csv, .tsv, .ndjson" in log
    assert "0500000001" not in log


@pytest.mark.parametrize("header", ["0500000002", "telephone"])
def test_a_file_of_suppressed_people_without_its_header_stops_the_send(
    runner, sandbox, tmp_path, header, capsys
):
    optouts = tmp_path / "optouts.csv"
    optouts.write_text(f"{header}\n")
    assert runner.run(text_to_speech(people(3), suppress=str(optouts))) == "up_for_retry"
    assert sandbox.requests() == []
    log = log_of(capsys)
    assert "optouts.csv has no column 'phone' or 'id'" in log
    assert "0500000002" not in log


def test_the_encoding_is_that_of_the_recipients_and_suppressed_people_come_in_utf_8(
    runner, sandbox, tmp_path
):
    path = write_csv(tmp_path / "people.csv", people(3), "cp1255")
    optouts = tmp_path / "optouts.csv"
    optouts.write_text("phone,שם\n0500000002,דנה\n", encoding="utf-8-sig")
    assert runner.run(text_to_speech(str(path), encoding="cp1255", suppress=str(optouts))) == "success"
    assert len(sandbox.calls()) == 2


@pytest.mark.parametrize("argument", ["recipients", "suppress"])
def test_a_password_in_a_path_is_refused_and_not_shown(runner, sandbox, argument, capsys):
    url = "s3://AKIA:s3cr3t@bucket/people.csv"
    task = text_to_speech(url) if argument == "recipients" else text_to_speech(people(1), suppress=url)
    assert runner.run(task) == "failed"
    log = log_of(capsys)
    assert f"`{argument}` contains a password" in log
    assert "s3cr3t" not in log
    assert sandbox.requests() == []


def test_a_date_in_the_name_of_a_file_is_shown(runner, tmp_path, capsys):
    path = tmp_path / "people-2026-11-24.csv"
    path.write_text(f"{HEADER}k1,0500000001\n")
    runner.run(text_to_speech(str(path)))
    assert "people-2026-11-24.csv line 2" in log_of(capsys)


def test_a_phone_in_the_name_of_a_file_is_not_shown(runner, tmp_path, capsys):
    path = tmp_path / "call 050-0000009.csv"
    path.write_text(f"{HEADER}k1,0500000001\n")
    runner.run(text_to_speech(str(path)))
    log = log_of(capsys)
    assert ".csv line 2" in log
    assert "0000009" not in log


def test_a_file_that_is_not_there_is_named_without_a_phone_in_its_name(runner, tmp_path, capsys):
    runner.run(text_to_speech(str(tmp_path / "call 050-0000009.csv")))
    log = log_of(capsys)
    assert "cannot be opened (FileNotFoundError" in log
    assert "0000009" not in log


@pytest.mark.parametrize("kind", ["file", "path", "query"])
def test_people_may_be_suppressed_by_a_file_or_a_query(runner, sandbox, tmp_path, kind):
    optouts = tmp_path / "optouts.csv"
    optouts.write_text("phone\n050-000-0002\n")
    query = {"conn_id": "people_db", "sql": "SELECT phone FROM people WHERE id = 'k2'"}
    suppress = {"file": str(optouts), "path": ObjectStoragePath(optouts), "query": query}[kind]
    assert runner.run(text_to_speech(people(3), suppress=suppress)) == "success"
    assert [call["phone"] for call in sandbox.calls()] == ["0500000001", "0500000003"]


@pytest.mark.parametrize(
    ("suppress", "error"),
    [
        ("nowhere/optouts.csv", "optouts.csv"),
        (
            {"conn_id": "people_db", "sql": "SELECT phone FROM nobody"},
            "The query failed before its first row",
        ),
        (
            {"conn_id": "people_db", "sql": "SELECT name FROM people"},
            "has no column 'phone' or 'id'",
        ),
        ({"conn_id": "nowhere", "sql": "SELECT 1"}, "The connection 'nowhere' of the query cannot be used"),
        ({"conn_id": "inforu_default", "sql": "SELECT 1"}, "is not a database"),
        ({"conn_id": "people_db", "query": "SELECT 1"}, "but not a query"),
        ("0500000001", "`suppress` must be a list"),
    ],
)
def test_a_source_of_suppressed_people_that_cannot_be_read_stops_the_send(
    runner, sandbox, suppress, error, capsys
):
    is_unreadable = runner.run(text_to_speech(people(3), suppress=suppress)) == "up_for_retry"
    assert is_unreadable or runner.states[-1]["state"] == "failed"
    assert sandbox.requests() == []
    assert error in log_of(capsys)


def test_the_people_whom_a_query_finds_are_called_once(runner, sandbox):
    assert runner.run(query_of_people()) == "success"
    assert runner.run(query_of_people(), try_number=2) == "success"
    assert sorted(call["phone"] for call in sandbox.calls()) == [row["phone"] for row in people(250)]
    assert {call["text"] for call in sandbox.calls()} == {"שלום דנה"}
    assert runner.xcoms["return_value"]["accepted"] == 250


def test_a_query_may_be_a_file_with_parameters_and_templates(runner, sandbox, tmp_path):
    (tmp_path / "people.sql").write_text(
        "SELECT * FROM people WHERE id <= :last AND name = '{{ params.name }}' ORDER BY id LIMIT 2"
    )
    task = query_of_people(
        sql="people.sql",
        parameters={"last": "{{ 'k' ~ 1 }}"},
        params={"name": "דנה"},
        template_searchpath=[str(tmp_path)],
    )
    assert runner.run(task) == "success"
    assert [call["phone"] for call in sandbox.calls()] == ["0500000001"]
    assert "LIMIT 2" in runner.rendered["sql"]


def test_a_campaign_may_call_the_people_of_a_query(runner, sandbox):
    task = query_of_people(SqlToInforuCampaignOperator, campaign_id=183)
    assert runner.run(task) == "success"
    assert len(sandbox.calls()) == 250
    assert {request["body"]["Data"]["CampaignId"] for request in sandbox.requests()} == {"183"}


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        ("SELECT * FROM nobody", "The query failed before its first row (OperationalError"),
        ("SELECT id, name FROM people", "The query has no column 'phone'. The columns are 'id', 'name'"),
        ("SELECT *, name FROM people", "more than one column 'name'"),
        ("DELETE FROM people", "The query failed before its first row"),
    ],
)
def test_a_query_that_cannot_be_read_calls_nobody(runner, sandbox, sql, error, capsys):
    assert runner.run(query_of_people(sql=sql)) == "up_for_retry"
    assert sandbox.requests() == []
    log = log_of(capsys)
    assert error in log
    assert "05000" not in log


def test_a_query_without_an_order_is_warned_of(runner, capsys):
    runner.run(query_of_people(sql="SELECT * FROM people"))
    assert "The query has no ORDER BY" in log_of(capsys)
    runner.run(query_of_people(sql="SELECT * FROM people\nORDER\nBY id"), try_number=2)
    assert "The query has no ORDER BY" not in log_of(capsys)


def test_rows_that_changed_between_two_tries_stop_the_task(runner, sandbox, database, capsys):
    sandbox.add_fault("status", status_id=-13)
    assert runner.run(query_of_people()) == "up_for_retry"
    called = len(sandbox.calls())
    with sqlite3.connect(database) as connection:
        connection.execute("DELETE FROM people WHERE id = 'k1'")
    assert runner.run(query_of_people(), try_number=2) == "failed"
    assert "the recipients changed since the first try" in log_of(capsys)
    assert len(sandbox.calls()) == called


def test_files_and_parameters_of_a_query_can_be_mapped(runner, sandbox, tmp_path):
    with DAG("dag") as dag:
        InforuSendTextToSpeechOperator.partial(task_id="files", message="x", key_field="id").expand(
            recipients=[str(write_csv(tmp_path / "1.csv", people(2))), "2.csv"]
        )
        SqlToInforuVoiceOperator.partial(
            task_id="ranges",
            conn_id="people_db",
            sql="SELECT * FROM people WHERE phone > :after ORDER BY id",
            message="x",
        ).expand(parameters=[{"after": "0500000247"}, {"after": "0500000250"}])
    files, ranges = dag.tasks
    first = files.unmap({"recipients": str(tmp_path / "1.csv")})
    assert runner.run(first, map_index=0) == "success"
    second = ranges.unmap({"parameters": {"after": "0500000247"}})
    assert TaskRunner().run(second, map_index=0) == "success"
    assert len(sandbox.calls()) == 2 + 3


def test_phones_among_the_parameters_of_a_query_are_not_shown(runner, sandbox):
    sql = "SELECT * FROM people WHERE phone = :phone ORDER BY phone"
    assert runner.run(query_of_people(sql=sql, parameters={"phone": "0500000003"})) == "success"
    assert len(sandbox.calls()) == 1
    assert "0500000003" not in str(runner.rendered)
    assert "recipients" not in runner.rendered


@pytest.mark.parametrize("argument", [{"sql": ["SELECT 1"]}, {"sql": None}])
def test_a_query_that_is_no_text_is_an_error(runner, argument, capsys):
    assert runner.run(query_of_people(**argument)) == "failed"
    assert "`sql` must be text" in log_of(capsys)


def test_recipients_in_addition_to_a_query_are_an_error_that_says_what_to_use():
    with pytest.raises(InforuInputError, match="reads its recipients from the query, not from `recipients`"):
        query_of_people(recipients=["0500000001"])


def test_entries_of_suppress_that_match_nobody_are_logged_without_phones(runner, capsys):
    runner.run(text_to_speech(people(3), suppress=["k1", "C-17", "0500000099"]))
    log = log_of(capsys)
    assert "entries of `suppress` that matched no recipient: 2 (row 3; key C-17)" in log
    assert "0500000099" not in log


def test_an_error_about_recipients_says_once_that_no_new_calls_were_placed(runner, sandbox, capsys):
    runner.run(query_of_people(sql="SELECT * FROM nobody ORDER BY id"))
    log = log_of(capsys)
    assert "no such table: nobody). No new calls were placed. Correct the query" in log
    assert sandbox.requests() == []


@pytest.mark.parametrize("source", ["recipients", "suppress"])
@pytest.mark.parametrize("spelling", ["{}", "file://{}", "local://{}", "link", "/./{}"])
def test_a_report_that_would_replace_a_source_is_refused(runner, sandbox, capsys, tmp_path, source, spelling):
    file = tmp_path / "people.csv"
    file.write_text("id,phone\nk1,0500000001\n")
    link = tmp_path / "link.csv"
    link.symlink_to(file)
    report = str(link) if spelling == "link" else spelling.format(file)
    arguments = {"recipients": people(1), source: str(file)}
    with pytest.raises(InvalidArgumentError, match=f"`report_path` is the file of `{source}`"):
        text_to_speech(**arguments, report_path=report)
    task = text_to_speech(**arguments, report_path="{{ '" + report + "' }}")
    assert runner.run(task) == "failed"
    assert f"`report_path` is the file of `{source}`, and the report would replace it" in log_of(capsys)
    assert sandbox.requests() == []
    assert file.read_text() == "id,phone\nk1,0500000001\n"


def test_a_report_next_to_its_source_is_written(runner, tmp_path):
    file = write_csv(tmp_path / "people.csv", people(1))
    task = text_to_speech(str(file), key_field="id", report_path=str(tmp_path / "report.csv"))
    assert runner.run(task) == "success"
    assert (tmp_path / "report.csv").read_text().splitlines()[1].startswith("k1,accepted")


def test_a_file_of_recipients_with_a_nul_in_its_name_is_refused(runner, sandbox, capsys, tmp_path):
    task = text_to_speech(recipients=f"{tmp_path}/a\0.csv", report_path=f"{tmp_path}/report.csv")
    runner.run(task)
    assert "cannot be opened (ValueError: embedded null byte). No new calls were placed" in log_of(capsys)
    assert sandbox.requests() == []
