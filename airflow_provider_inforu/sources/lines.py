"""The lines of a text file, of any encoding, and where it cannot be read."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from airflow_provider_inforu.sources.rows import SourceError

DEFAULT_ENCODING = "utf-8-sig"
"""UTF-8, with or without the mark that Excel begins it with."""

MOST_CHARACTERS = 1_000_000
"""In a line. A file that has no line ends is not read into memory to find that out."""

_LINE_END = re.compile(r"\r\n|\r|\n")
_MARKS_OF_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def check_encoding(encoding: str | None) -> str:
    """Return the encoding to read with.

    :param encoding: As the user wrote it, or None for UTF-8.
    :raises SourceError: Python knows none of this name.
    """
    if encoding is None:
        return DEFAULT_ENCODING
    try:
        # Some codecs are of bytes to bytes. A file shows that, and this does not need one.
        io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        name = codecs.lookup(encoding).name
    except (LookupError, ValueError):
        raise SourceError(
            f"there is no encoding {encoding!r}: nothing was sent. Names are such as 'utf-8' and 'cp1255'"
        ) from None
    return DEFAULT_ENCODING if name == "utf-8" else name


def lines_of(file: BinaryIO, name: str, encoding: str, newline: str) -> Iterator[str]:
    """Read lines, with their ends.

    :param file: The file's bytes.
    :param name: The file's name, for errors.
    :param encoding: From `check_encoding`.
    :param newline: As in `open`: empty for line ends of any kind.
    :raises SourceError: It cannot be read any further. It names the line.
    """
    text = io.TextIOWrapper(file, encoding=encoding, newline=newline)
    number = 0
    while True:
        number += 1
        try:
            line = text.readline(MOST_CHARACTERS + 1)
        except UnicodeError as error:
            raise _wrong_encoding(name, number, encoding, error) from None
        except Exception as error:  # object storages raise whatever they like
            raise SourceError(
                f"{name} cannot be read from about line {number} on ({_why(error)}): nothing was sent"
            ) from error
        if not line:
            return
        if len(line) > MOST_CHARACTERS:
            raise SourceError(
                f"{name} line {number} has more than {MOST_CHARACTERS:,} characters: nothing was sent. "
                "Look whether it is a file of this format"
            )
        yield line


def _wrong_encoding(name: str, number: int, encoding: str, error: UnicodeError) -> SourceError:
    advice = "Name its encoding, such as encoding='cp1255' for Hebrew from Windows"
    if isinstance(error, UnicodeDecodeError):
        # A block is decoded at a time: lines before the wrong byte were not given yet.
        before = error.object[: error.start].decode(encoding, "replace")
        number += len(_LINE_END.findall(before))
        if number == 1 and error.object.startswith(_MARKS_OF_UTF_16):
            advice = "It begins like a file in UTF-16: say so with encoding='utf-16'"
    shown = "utf-8" if encoding == DEFAULT_ENCODING else encoding
    return SourceError(f"{name} line {number}: this is not {shown}. {advice}. Nothing was sent")


def _why(error: Exception) -> str:
    if isinstance(error, EOFError):
        return "it ends in the middle, as a copy that was broken off does"
    if isinstance(error, gzip.BadGzipFile | zlib.error):
        return "it is no gzip file, or a damaged one"
    return f"{type(error).__name__}: {error}"
