"""Reads the rows of a Parquet file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

from airflow_provider_inforu.recipients.input_rows import (
    BadRow,
    Row,
    SourceError,
    check_columns,
    check_exact,
    check_header,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_ROWS_IN_A_BATCH = 1000
_BUFFER = 256 * 1024


def parquet_rows(file: BinaryIO, name: str, columns: Sequence[str]) -> Iterator[Row]:
    """Yield the rows, with Python values. The file is read in batches.

    :param file: The file. It must support seeking.
    :param name: Name of the file, for errors.
    :param columns: The required column names.
    :raises SourceError: pyarrow is not installed, the file is damaged or not Parquet, or the column names are
        invalid.
    """
    number = 0
    batches = _batches(file, name, columns)
    for batch in batches:
        yield from _rows(batch, name, number)
        number += batch.num_rows


def _batches(file: BinaryIO, name: str, columns: Sequence[str]) -> Iterator[Any]:
    try:
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise SourceError(
            f"{name} is a Parquet file, and pyarrow is not installed.",
            "Run pip install 'airflow-provider-inforu[parquet]'.",
        ) from None
    try:
        # With a buffer, pyarrow reads a column in pieces. Otherwise it reads a whole row group at once.
        table = ParquetFile(file, buffer_size=_BUFFER, pre_buffer=False, page_checksum_verification=True)
        header = table.schema_arrow.names
        check_columns(name, header, columns)
        check_header(name, header)
        check_exact(name, _list_rounded_columns(table.schema_arrow), columns)
        yield from table.iter_batches(_ROWS_IN_A_BATCH, use_threads=False)
    except SourceError:
        raise
    except Exception as error:  # pyarrow and object storages raise errors of any type
        # The message of the error is left out, because it may contain values.
        raise SourceError(
            f"{name} cannot be read: it is damaged, or it is not a Parquet file ({type(error).__name__}).",
            "Check the file and its storage, then retry.",
        ) from None


def _list_rounded_columns(schema: Any) -> Iterator[str]:  # noqa: ANN401 - pyarrow has no types
    from pyarrow.types import is_float16, is_float32

    for field in schema:
        if is_float16(field.type) or is_float32(field.type):
            yield field.name


def _rows(batch: Any, name: str, before: int) -> Iterator[Row]:  # noqa: ANN401 - pyarrow has no types
    try:
        rows = batch.to_pylist()
    except Exception:  # a value may be invalid in Python; then the rows are read one by one
        for index in range(batch.num_rows):
            yield _row(batch.slice(index, 1), name, before + index + 1)
    else:
        yield from rows


def _row(batch: Any, name: str, number: int) -> Row:  # noqa: ANN401 - pyarrow has no types
    try:
        (row,) = batch.to_pylist()
    except Exception as error:
        reason = f"the row has a value that Python cannot represent ({type(error).__name__})"
        return BadRow(name, number, reason, unit="row")
    return dict(row)
