"""Reads the lines of a text file in any encoding. An error names the line."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from typing import TYPE_CHECKING, BinaryIO

from airflow_provider_inforu.capi.redact import hide_phones_in_path
from airflow_provider_inforu.recipients.input_rows import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT_ENCODING = "utf-8-sig"
"""UTF-8, with or without the byte order mark that Excel writes."""

MOST_CHARACTERS = 1_000_000
"""The longest line. So a file without line ends does not fill the memory."""

_LINE_END = re.compile(r"\r\n|\r|\n")
_MARKS_OF_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def check_encoding(encoding: str | None) -> str:
    """Return the codec of an encoding.

    :param encoding: Name of the encoding, such as ``cp1255``. None: UTF-8.
    :raises SourceError: Python does not know the encoding.
    """
    if encoding is None:
        return DEFAULT_ENCODING
    try:
        # This also rejects the codecs that do not decode text, such as `hex`.
        io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        name = codecs.lookup(encoding).name
    except (LookupError, ValueError):
        raise SourceError(
            f"`encoding` is {encoding!r}, which is unknown.", "Set an encoding such as 'utf-8' or 'cp1255'."
        ) from None
    return DEFAULT_ENCODING if name == "utf-8" else name


def read_lines(file: BinaryIO, name: str, encoding: str, newline: str) -> Iterator[str]:
    """Yield the lines, with their ends.

    :param file: The file, opened in binary mode.
    :param name: Name of the file, for errors.
    :param encoding: The return value of `check_encoding`.
    :param newline: As in `open`. Empty: all kinds of line ends are valid.
    :raises SourceError: The file cannot be read further. The message names the line.
    """
    text = io.TextIOWrapper(file, encoding=encoding, newline=newline)
    number = 0
    while True:
        number += 1
        try:
            line = text.readline(MOST_CHARACTERS + 1)
        except UnicodeError as error:
            raise _wrong_encoding(name, number, encoding, error) from None
        except Exception as error:  # object storages raise errors of any type
            raise SourceError(
                f"{name} cannot be read from about line {number} on: {_describe(error)}.",
                "Check the file and its storage, then retry.",
            ) from None
        if not line:
            return
        if len(line) > MOST_CHARACTERS:
            raise SourceError(
                f"{name} line {number} has more than {MOST_CHARACTERS:,} characters.",
                "Check that the file has the format of its extension.",
            )
        if number == 1 and encoding != DEFAULT_ENCODING and _begins_as_utf_8(line, encoding):
            raise SourceError(
                f"{name} begins with the byte order mark of UTF-8, so it is not {encoding}.",
                "Remove `encoding`.",
            )
        yield line


def _begins_as_utf_8(line: str, encoding: str) -> bool:
    try:
        return line[:3].encode(encoding) == codecs.BOM_UTF8
    except UnicodeError:
        return False


def _wrong_encoding(name: str, number: int, encoding: str, error: UnicodeError) -> SourceError:
    advice = "Set its encoding, such as encoding='cp1255' for Hebrew from Windows."
    if encoding != DEFAULT_ENCODING:
        advice = "Check that it is a text file, and set the encoding in which it was written."
    if isinstance(error, UnicodeDecodeError):
        # A whole block is decoded at a time, so the lines before the wrong byte are not counted yet.
        before = error.object[: error.start].decode(encoding, "replace")
        number += len(_LINE_END.findall(before))
        if number == 1 and error.object.startswith(_MARKS_OF_UTF_16):
            advice = "The file begins like UTF-16: set encoding='utf-16'."
    shown = "utf-8" if encoding == DEFAULT_ENCODING else encoding
    return SourceError(f"{name} line {number}: the text is not {shown}.", advice)


def _describe(error: Exception) -> str:
    if isinstance(error, EOFError):
        return "the file is truncated"
    if isinstance(error, gzip.BadGzipFile | zlib.error):
        return "the file is damaged, or it is not gzip"
    return hide_phones_in_path(f"{type(error).__name__}: {error}").rstrip(".")
