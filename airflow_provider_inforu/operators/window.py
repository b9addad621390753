"""What a task does where the sending window is closed: it waits until it opens, fails, or is skipped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NoReturn

from airflow_provider_inforu._compat import AirflowFailException, AirflowSkipException

if TYPE_CHECKING:
    from airflow_provider_inforu.operators.send import InforuSendOperator
    from airflow_provider_inforu.sending.window import WindowClosedError

OutsideWindow = Literal["wait", "fail", "skip"]


def leave_until_it_opens(operator: InforuSendOperator, closed: WindowClosedError) -> NoReturn:
    """End this run of the task as ``outside_window`` says.

    :param operator: Whose task it is.
    :param closed: When the window opens, and whether somebody was called.
    :raises TaskDeferred: It waits in the triggerer, and goes on when the window opens.
    :raises AirflowSkipException: It is skipped, and nobody was called.
    :raises AirflowFailException: It fails, and a retry would find the window closed as well.
    """
    if operator.outside_window == "wait":
        from airflow.providers.standard.triggers.temporal import DateTimeTrigger

        operator.log.info("%s: the task goes on then, and uses no worker until then", closed)
        operator.defer(trigger=DateTimeTrigger(closed.opens_at), method_name="execute_in_window")
    if operator.outside_window == "skip" and not closed.begun:
        raise AirflowSkipException(str(closed))
    raise AirflowFailException(
        f"{closed}. Clear the task when it is open: it calls those who were not called, and nobody twice"
    )
