"""The link "Inforu calls" of a task instance in Airflow's UI."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperatorLink

from airflow_provider_inforu import calls_page

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey

log = logging.getLogger(__name__)


class InforuCallsLink(BaseOperatorLink):
    """The link from a sending task to the page of its send.

    Airflow stores the address when a try ends or defers. `push_link` stores it while the task sends.
    """

    name = "Inforu calls"
    xcom_key = calls_page.XCOM_KEY

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002
        """Return the address of the page, or an empty text if this Airflow does not show the page.

        :param operator: The operator. It is not used.
        :param ti_key: The key of the task instance.
        """
        # If this method raises, Airflow hides all links of the task.
        try:
            return self._find_address(ti_key) if calls_page.is_enabled() else ""
        except Exception as error:
            log.warning("The link to the page of Inforu calls is missing (%s)", type(error).__name__)
            return ""

    def _find_address(self, task: Any) -> str:  # noqa: ANN401 - a key, or a running task instance
        return calls_page.send_address(task.dag_id, task.run_id, task.task_id, task.map_index)


class InforuDagCallsLink(InforuCallsLink):
    """The link from a waiting task to the sends of its DAG. The task itself sends nothing."""

    def _find_address(self, task: Any) -> str:  # noqa: ANN401
        return calls_page.list_address(dag=task.dag_id)


def push_link(operator: Any, instance: Any) -> None:  # noqa: ANN401 - an operator and its task instance
    """Store the link of a task that begins to send. If this fails, the send continues.

    :param operator: The operator with the link.
    :param instance: The running task instance.
    """
    link = InforuCallsLink().get_link(operator, ti_key=instance)
    if not link:
        return
    try:
        instance.xcom_push(key=calls_page.XCOM_KEY, value=link)
    except Exception as error:  # XCom backends raise errors of any type
        log.warning("The link to the page of Inforu calls was not stored (%s)", type(error).__name__)
