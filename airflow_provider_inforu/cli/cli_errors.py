"""How a command speaks, and how it ends that cannot do its work."""

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
    """One line for the person at the terminal; the command then ends with exit code 1.

    :param message: The line.
    :param facts: What programs are told besides, with ``-o json``.
    """

    code = 1

    def __init__(self, message: str, **facts: object) -> None:
        super().__init__(message)
        self.facts = facts


class UsageError(CommandError):
    """The command was called in a way that it does not know; it ends with exit code 2."""

    code = 2


class AnsweredError(CommandError):
    """The answer is printed, and it is a no: there is nothing more to tell programs."""


class UnprintedError(CommandError):
    """The work is done, and what came of it cannot be printed."""


_ARE_TOLD = (AnsweredError, UnprintedError)


def _error_alone(error: Exception, message: str) -> dict[str, object]:
    return {"error": message, **(error.facts if isinstance(error, CommandError) else {})}


def handle_cli_errors(
    otherwise: str, for_programs: Callable[[Exception, str], Mapping[str, object]] = _error_alone
) -> Callable[[Command], Command]:
    """Make a command end with one line on stderr and an exit code where it cannot do its work.

    With ``-o json``, programs are told on stdout.

    :param otherwise: What to say of errors that are not our own, such as those of storages.
    :param for_programs: Makes the JSON object of an error and its line; by default ``{"error": line}``.
    """

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def run(args: Namespace) -> None:
            try:
                command(args)
            except (CommandError, InforuError) as error:
                end(args, error, str(error))
            except (KeyboardInterrupt, EOFError):
                end(args, CommandError("stopped"), "stopped")
            except Exception as error:  # storages raise whatever they like
                end(args, error, f"{otherwise} ({type(error).__name__}: {error})")

        return run

    def end(args: Namespace, error: Exception, message: str) -> NoReturn:
        line = printable(" ".join(message.split()))
        # Whoever does not listen, or interrupts again, still gets the exit code.
        with suppress(UnprintedError, KeyboardInterrupt):
            if getattr(args, "output", None) == "json" and not isinstance(error, _ARE_TOLD):
                print_json(for_programs(error, line))
        with suppress(UnprintedError, KeyboardInterrupt):
            _write(sys.stderr, f"airflow inforu: {line}\n")
        raise SystemExit(error.code if isinstance(error, CommandError) else 1)

    return decorate


def echo(text: str) -> None:
    """Write a line to stdout, at once.

    :param text: The line.
    :raises UnprintedError: Nobody reads it, or there is no room for it.
    """
    _write(sys.stdout, f"{text}\n")


def print_json(value: Any) -> None:  # noqa: ANN401 - a JSON value
    """Write a value to stdout, for programs.

    :param value: A JSON value.
    :raises UnprintedError: Nobody reads it, or there is no room for it.
    """
    echo(json.dumps(value, ensure_ascii=False, indent=2))


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
        stream.flush()
    except (OSError, ValueError) as error:
        _give_up(stream)
        raise UnprintedError(f"what was done cannot be printed ({type(error).__name__}: {error})") from None


def _give_up(stream: TextIO) -> None:
    # What is left in the stream would be written at the end, and its failure change the exit code to 120.
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
