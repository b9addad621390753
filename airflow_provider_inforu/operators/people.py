"""The rows of a task become people, and the log says who is left out."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.sending.recipients import group_by_reason, read_recipients

if TYPE_CHECKING:
    from airflow_provider_inforu.sending.recipients import RecipientList, RecipientRules

log = logging.getLogger(__name__)


def read_people(rows: object, rules: RecipientRules, *, suppress: Any = None) -> RecipientList:  # noqa: ANN401
    """Read rows, and log how many there are and who is skipped.

    :param rows: The rows.
    :param rules: How they are read.
    :param suppress: Who is not to be called; None for nobody.
    :raises InforuInputError: See `read_recipients`.
    """
    people = read_recipients(rows, rules, suppress)
    log.info("recipients: %d to call, %d skipped", len(people.recipients), len(people.skipped))
    if len(people.recipients) == rules.limit:
        log.info("no more are read: limit is %d", rules.limit)
    if people.skipped:
        log.warning("skipped because %s", group_by_reason(people.skipped))
    return people
