"""How a command speaks, and how it ends that cannot do its work."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from airflow_provider_inforu.capi.errors import InforuError

if TYPE_CHECKING:
    from argparse import Namespace

    Command = Callable[[Namespace], None]


class CommandError(Exception):
    """One line for the person at the terminal; the command then ends with exit code 1."""

    code = 1


class UsageError(CommandError):
    """The command was called in a way that it does not know; it ends with exit code 2."""

    code = 2


class NotKnownError(CommandError):
    """Whether somebody is called is not known; the command ends with exit code 3."""

    code = 3


def ends_with_one_line(otherwise: str) -> Callable[[Command], Command]:
    """Make a command end with one line on stderr and an exit code where it cannot do its work.

    :param otherwise: What to say of errors that are not our own, such as those of storages.
    """

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def run(args: Namespace) -> None:
            try:
                command(args)
            except (CommandError, InforuError) as error:
                _end(str(error), code=error.code if isinstance(error, CommandError) else 1)
            except (KeyboardInterrupt, EOFError):
                _end("stopped", code=1)
            except Exception as error:  # storages raise whatever they like
                _end(f"{otherwise} ({type(error).__name__}: {error})", code=1)

        return run

    return decorate


def say(text: str) -> None:
    """Write a line to stdout, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _end(message: str, *, code: int) -> None:
    sys.stderr.write(f"airflow inforu: {' '.join(message.split())}\n")
    raise SystemExit(code)
