"""End a task whose sending window is closed: wait until the window opens, fail, or skip."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from airflow_provider_inforu._compat import AirflowFailException, AirflowSkipException

if TYPE_CHECKING:
    from airflow_provider_inforu.operators.send_arguments import SendArguments
    from airflow_provider_inforu.sending.window import WindowClosedError


def leave_until_it_opens(operator: SendArguments, closed: WindowClosedError) -> NoReturn:
    """End this run of the task in the way that ``outside_window`` sets.

    :param operator: The operator of the task.
    :param closed: When the window opens, and whether recipients were already called.
    :raises TaskDeferred: ``wait``: the task waits in the triggerer until the window opens.
    :raises AirflowSkipException: ``skip``, and nobody was called.
    :raises AirflowFailException: ``fail``, or ``skip`` after the first call.
    """
    if operator.outside_window == "wait":
        from airflow.providers.standard.triggers.temporal import DateTimeTrigger

        operator.log.info("%s. The task waits in the triggerer until then, without a worker", closed)
        operator.defer(trigger=DateTimeTrigger(closed.opens_at), method_name="execute_in_window")
    if operator.outside_window == "skip" and not closed.begun:
        # Airflow shows the reason of a skip only in a collapsed group of the log.
        operator.log.warning("The task is skipped: %s", closed)
        raise AirflowSkipException(str(closed))
    raise AirflowFailException(
        f"{closed}. Clear the task when the window is open. It then calls the remaining recipients, and "
        "nobody twice"
    )
