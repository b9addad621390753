"""Output for people: tables, questions and progress bars."""

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
    """Write rows to stdout as a table, in the style of Airflow's own commands.

    :param rows: At least one row. All rows have the same columns.
    """
    from airflow.cli.simple_table import AirflowConsole
    from rich.markup import escape

    # The vendor's text may contain rich's markup or the escape sequences of a terminal.
    AirflowConsole().print_as_table(
        [{name: escape(printable(str(text))) for name, text in row.items()} for row in rows]
    )


def confirm(question: str, *, ask: str, otherwise: str, yes: bool) -> None:
    """Ask the user at the terminal, and return if the user agrees.

    The question goes to stderr, because stdout is for results.

    :param question: What the command will do.
    :param ask: The question after it.
    :param otherwise: The error message if the user does not agree, such as "nobody was called".
    :param yes: Whether the user agreed with ``--yes``.
    :raises UsageError: No terminal is available.
    :raises CommandError: The user does not agree.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{otherwise}, because no terminal is available for the question. Use --yes")
    sys.stderr.write(f"{question}\n{ask} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise CommandError(otherwise)


@contextmanager
def bar(what: str) -> Iterator[Callable[[int, int | None], None]]:
    """Show a progress bar on stderr, only if that is a terminal.

    Yields a function that takes the number of finished items, and the total or None.

    :param what: The description next to the bar.
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
    """Limit a logger to warnings within the block.

    :param logger: The name of the logger.
    """
    log = logging.getLogger(logger)
    before = log.level
    log.setLevel(logging.WARNING)
    try:
        yield
    finally:
        log.setLevel(before)
