"""Checks the type of rows, and gives advice on invalid types."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import closing, contextmanager
from typing import Any

from airflow_provider_inforu.recipients.input_files import FILE_NAMES, read_foreign_ending
from airflow_provider_inforu.recipients.input_rows import RecipientsError, StreamedRows


@contextmanager
def open_rows(rows: object, argument: str) -> Iterator[Iterable[Any]]:
    """Open rows as a context manager, and close their source at the end.

    :param rows: A list of rows, or `StreamedRows`.
    :param argument: Name of the operator's argument, for the error.
    :raises RecipientsError: The rows have another type.
    """
    if isinstance(rows, StreamedRows):
        with closing(rows):
            yield rows
        return
    if not isinstance(rows, Sequence) or isinstance(rows, str | bytes):
        raise _describe_wrong_type(rows, argument)
    yield rows


def _describe_wrong_type(rows: object, argument: str) -> RecipientsError:
    if rows is None:
        return RecipientsError(
            f"The task behind `{argument}` returned None or did not run.",
            f"Return a list, or [] for nobody. XCom cannot store a generator: return list(rows). {_STREAM}",
        )
    if isinstance(rows, str) and (ending := read_foreign_ending(rows)):
        return RecipientsError(
            f"`{argument}` is a {ending} file, which cannot be read.", f"Save it as one of: {FILE_NAMES}."
        )
    what = f"`{argument}` must be a list of phones or of mappings, not {type(rows).__name__}."
    return RecipientsError(what, _advise(rows, argument))


_STREAM = "To stream rows, use @task.inforu_text_to_speech."


def _advise(rows: object, argument: str) -> str:
    if isinstance(rows, str):
        return (
            "A template renders to text. Pass the output of the upstream task without a template, "
            f"or the path of a file ({FILE_NAMES}). In a mapped task, each element of .expand() must be a "
            "list of rows."
        )
    if hasattr(rows, "to_dict"):
        return "Pass frame.to_dict('records') for a data frame."
    if isinstance(rows, Mapping):
        return f"Pass the whole list to `{argument}`. Do not use .expand() over its rows."
    if isinstance(rows, Generator):
        return f"Return list(rows). {_STREAM}"
    if isinstance(rows, AbstractSet):
        return "Pass sorted(rows): a retry compares the order of the rows, and a set has no order."
    return ""
