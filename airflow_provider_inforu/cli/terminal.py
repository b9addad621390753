"""What commands write for people, and how they ask: tables, questions, bars."""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow_provider_inforu.capi.redact import printable
from airflow_provider_inforu.cli.cli_errors import CommandError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence


def print_table(rows: Sequence[Mapping[str, object]]) -> None:
    """Write rows to stdout as Airflow's own commands do.

    :param rows: At least one, all with the same columns.
    """
    from airflow.cli.simple_table import AirflowConsole
    from rich.markup import escape

    # The vendor's words may hold what rich takes for markup, and what a terminal takes for commands.
    AirflowConsole().print_as_table(
        [{name: escape(printable(str(text))) for name, text in row.items()} for row in rows]
    )


def confirm(question: str, *, ask: str, otherwise: str, yes: bool) -> None:
    """Return when the person at the terminal agrees. Asks on stderr: stdout is for results.

    :param question: What will be done.
    :param ask: What to ask then.
    :param otherwise: What is so where they do not agree.
    :param yes: They agreed beforehand.
    :raises UsageError: There is nobody to ask.
    :raises CommandError: They do not agree.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{otherwise}: there is no terminal to ask, so say --yes")
    sys.stderr.write(f"{question}\n{ask} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise CommandError(otherwise)


@contextmanager
def bar(what: str) -> Iterator[Callable[[int, int | None], None]]:
    """Show how far a long work is, on stderr, and only where that is a terminal.

    Gives a function that takes how much is done, and of how much where that is known.

    :param what: What is being done.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


@contextmanager
def only_warnings(logger: str) -> Iterator[None]:
    """Let a logger speak up only with warnings, as long as the command needs it.

    :param logger: Its name.
    """
    log = logging.getLogger(logger)
    before = log.level
    log.setLevel(logging.WARNING)
    try:
        yield
    finally:
        log.setLevel(before)
