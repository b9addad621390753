"""What a task does where the sending window is closed: it waits until it opens, fails, or is skipped."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from airflow_provider_inforu._compat import AirflowFailException, AirflowSkipException

if TYPE_CHECKING:
    from airflow_provider_inforu.operators.send_arguments import SendArguments
    from airflow_provider_inforu.sending.window import WindowClosedError


def leave_until_it_opens(operator: SendArguments, closed: WindowClosedError) -> NoReturn:
    """End this run of the task as ``outside_window`` says.

    :param operator: Whose task it is.
    :param closed: When the window opens, and whether somebody was called.
    :raises TaskDeferred: It waits in the triggerer, and goes on when the window opens.
    :raises AirflowSkipException: It is skipped, and nobody was called.
    :raises AirflowFailException: It fails, and a retry would find the window closed as well.
    """
    if operator.outside_window == "wait":
        from airflow.providers.standard.triggers.temporal import DateTimeTrigger

        operator.log.info("%s. The task waits in the triggerer until then and uses no worker", closed)
        operator.defer(trigger=DateTimeTrigger(closed.opens_at), method_name="execute_in_window")
    if operator.outside_window == "skip" and not closed.begun:
        # Airflow shows the reason of a skip in a folded group of the log only.
        operator.log.warning("The task is skipped: %s", closed)
        raise AirflowSkipException(str(closed))
    raise AirflowFailException(
        f"{closed}. Clear the task when the window is open: it calls the remaining recipients, nobody twice"
    )
