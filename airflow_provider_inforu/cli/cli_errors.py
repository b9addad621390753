"""Console output and error handling for CLI commands."""

from __future__ import annotations

import functools
import json
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from airflow_provider_inforu.capi.errors import InforuError
from airflow_provider_inforu.capi.redact import printable

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Mapping

    Command = Callable[[Namespace], None]


class CommandError(Exception):
    """An error that the command prints in one line. The exit code is 1.

    :param message: The line.
    :param facts: More fields of the JSON output with ``-o json``.
    """

    code = 1

    def __init__(self, message: str, **facts: object) -> None:
        super().__init__(message)
        self.facts = facts


class UsageError(CommandError):
    """The arguments of the command are invalid. The exit code is 2."""

    code = 2


class AnsweredError(CommandError):
    """The result is printed and is negative, so the JSON output needs no error object."""


class UnprintedError(CommandError):
    """The work is done, but the result cannot be printed."""


_ARE_TOLD = (AnsweredError, UnprintedError)


def _error_alone(error: Exception, message: str) -> dict[str, object]:
    return {"error": message, **(error.facts if isinstance(error, CommandError) else {})}


def handle_cli_errors(
    otherwise: str, for_programs: Callable[[Exception, str], Mapping[str, object]] = _error_alone
) -> Callable[[Command], Command]:
    """Return a decorator that ends a failed command with one line on stderr and an exit code.

    With ``-o json``, the command also prints a JSON object to stdout.

    :param otherwise: The beginning of the line for errors of other libraries, such as a storage.
    :param for_programs: Returns the JSON object for an error and its line; default: ``{"error": line}``.
    """

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def run(args: Namespace) -> None:
            try:
                command(args)
            except (CommandError, InforuError) as error:
                end(args, error, str(error))
            except (KeyboardInterrupt, EOFError):
                end(args, CommandError("the command was stopped"), "the command was stopped")
            except Exception as error:  # a storage may raise any exception
                end(args, error, f"{otherwise} ({type(error).__name__}: {error})")

        return run

    def end(args: Namespace, error: Exception, message: str) -> NoReturn:
        line = printable(" ".join(message.split()))
        # A closed stdout or a second Ctrl+C must not change the exit code.
        with suppress(UnprintedError, KeyboardInterrupt):
            if getattr(args, "output", None) == "json" and not isinstance(error, _ARE_TOLD):
                print_json(for_programs(error, line))
        with suppress(UnprintedError, KeyboardInterrupt):
            _write(sys.stderr, f"airflow inforu: {line}\n")
        raise SystemExit(error.code if isinstance(error, CommandError) else 1)

    return decorate


def echo(text: str) -> None:
    """Write a line to stdout and flush it.

    :param text: The line.
    :raises UnprintedError: The stream is closed, or its disk is full.
    """
    _write(sys.stdout, f"{text}\n")


def print_json(value: Any) -> None:  # noqa: ANN401 - a JSON value
    """Write a value to stdout as JSON.

    :param value: A JSON value.
    :raises UnprintedError: The stream is closed, or its disk is full.
    """
    echo(json.dumps(value, ensure_ascii=False, indent=2))


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
        stream.flush()
    except (OSError, ValueError) as error:
        _give_up(stream)
        raise UnprintedError(f"the result cannot be printed ({type(error).__name__}: {error})") from None


def _give_up(stream: TextIO) -> None:
    # At exit, Python would write the rest of the stream, fail again, and change the exit code to 120.
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
