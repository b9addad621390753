import pickle

import pytest

from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.recipients.input_rows import (
    BadRow,
    SourceError,
    StreamedRows,
    check_columns,
    check_header,
)


def test_a_bad_row_is_named_by_its_place():
    assert BadRow("people.csv", 17, "half a row").name == "people.csv line 17"
    assert BadRow("people.parquet", 17, "half a row", unit="row").name == "people.parquet row 17"


def test_an_error_of_a_source_crosses_to_another_process():
    error = pickle.loads(pickle.dumps(SourceError("people.csv has no columns")))  # noqa: S301 - our own
    assert isinstance(error, InforuInputError)
    assert error.safe_to_resend
    assert str(error) == "people.csv has no columns"


def test_streamed_rows_show_where_they_are_from_and_no_row():
    assert (
        repr(StreamedRows("people.csv", (row for row in [{"phone": "0500000001"}]))) == "<rows of people.csv>"
    )


def test_streamed_rows_close_what_they_are_read_from():
    closed = []

    def rows():
        try:
            yield {"phone": "0500000001"}
            yield {"phone": "0500000002"}
        finally:
            closed.append(True)

    streamed = StreamedRows("people.csv", rows())
    next(iter(streamed))
    assert not closed
    streamed.close()
    assert closed
    with pytest.raises(SourceError, match=r"rows of people\.csv were already read"):
        list(streamed)


def test_columns_that_are_there_are_no_error():
    check_columns("people.csv", ["phone", "id"], ["id", "phone"])
    check_header("people.csv", ["phone", "id"])


def test_a_column_that_is_not_there_is_an_error_that_names_those_that_are():
    with pytest.raises(SourceError) as raised:
        check_columns("people.csv", ["Phone", "name"], ["phone", "phone", "id"])
    assert raised.value.problem == "people.csv has no column 'phone', 'id'. The columns are 'Phone', 'name'."
    assert "Correct the name" in raised.value.advice


def test_of_many_columns_the_first_are_named():
    with pytest.raises(SourceError, match=r"'c19' and 980 more\."):
        check_columns("people.csv", [f"c{number}" for number in range(1000)], ["phone"])


def test_a_first_row_that_is_a_person_is_not_shown():
    with pytest.raises(SourceError) as raised:
        check_columns("people.csv", ["0500000001", "Dana"], ["phone"])
    assert "The first row may contain a phone number" in str(raised.value)
    assert "0500000001" not in str(raised.value)
    assert "Dana" not in str(raised.value)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ([], "people.csv has no columns"),
        (["phone", " "], "people.csv: column 2 has no name"),
        (["phone", "id", "phone", "id"], "people.csv has more than one column 'phone', 'id'"),
    ],
)
def test_every_column_has_a_name_of_its_own(header, message):
    with pytest.raises(SourceError, match=message):
        check_header("people.csv", header)
