"""The default sentences of alerts in two languages, and the longest text of an alert."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from airflow_provider_inforu.notifications.callback_event import Kind

if TYPE_CHECKING:
    from airflow_provider_inforu.notifications.callback_event import CallbackEvent

Language = Literal["en", "he"]
LANGUAGES = ("en", "he")

MOST_CHARACTERS = 600
"""The longest text of an alert, about 45 seconds of speech. Inforu documents no limit."""

_ENGLISH = {
    Kind.TASK_FAILED: "Alert from Airflow. The task {task} of the DAG {dag} has failed.",
    Kind.TASK_RETRIES: "Alert from Airflow. The task {task} of the DAG {dag} has failed and is tried again.",
    Kind.TASK_SUCCEEDED: "Message from Airflow. The task {task} of the DAG {dag} has succeeded.",
    Kind.TASK_SKIPPED: "Message from Airflow. The task {task} of the DAG {dag} was skipped.",
    Kind.TASK_STARTS: "Message from Airflow. The task {task} of the DAG {dag} has started.",
    Kind.TASK_WAITS: "Message from Airflow. The task {task} of the DAG {dag} waits for a person to decide.",
    Kind.DAG_FAILED: "Alert from Airflow. The DAG {dag} has failed.",
    Kind.DAG_SUCCEEDED: "Message from Airflow. The DAG {dag} has succeeded.",
    Kind.DEADLINE_MISSED: "Alert from Airflow. The DAG {dag} has missed its deadline.",
    Kind.UNKNOWN: "Alert from Airflow. A callback of the DAG {dag} has run.",
}
_HEBREW = {
    Kind.TASK_FAILED: "התראה מאיירפלו. המשימה {task} בתהליך {dag} נכשלה.",
    Kind.TASK_RETRIES: "התראה מאיירפלו. המשימה {task} בתהליך {dag} נכשלה, ותורץ שוב.",
    Kind.TASK_SUCCEEDED: "הודעה מאיירפלו. המשימה {task} בתהליך {dag} הסתיימה בהצלחה.",
    Kind.TASK_SKIPPED: "הודעה מאיירפלו. המשימה {task} בתהליך {dag} דולגה.",
    Kind.TASK_STARTS: "הודעה מאיירפלו. המשימה {task} בתהליך {dag} התחילה.",
    Kind.TASK_WAITS: "הודעה מאיירפלו. המשימה {task} בתהליך {dag} ממתינה להחלטה של אדם.",
    Kind.DAG_FAILED: "התראה מאיירפלו. התהליך {dag} נכשל.",
    Kind.DAG_SUCCEEDED: "הודעה מאיירפלו. התהליך {dag} הסתיים בהצלחה.",
    Kind.DEADLINE_MISSED: "התראה מאיירפלו. התהליך {dag} לא עמד בזמן שנקבע לו.",
    Kind.UNKNOWN: "התראה מאיירפלו. התהליך {dag} ביקש להתקשר אליך.",
}
_SENTENCES = {"en": _ENGLISH, "he": _HEBREW}
_WITHOUT_A_DAG = {
    "en": "Alert from Airflow. Please look at it.",
    "he": "התראה מאיירפלו. נא לבדוק.",
}
_ENDS = re.compile(r"[.!?…:;](?=\s)|\n")


def sentence_on(event: CallbackEvent, language: Language) -> str:
    """Return the default sentence for an event.

    :param event: The event of the callback.
    :param language: ``en`` or ``he``.
    """
    if not event.dag_name:
        return _WITHOUT_A_DAG[language]
    text = _SENTENCES[language][event.kind].format(task=_spoken(event.task_name), dag=_spoken(event.dag_name))
    return f"{text} {event.question}" if event.question else text


def cut_to_hear(text: str) -> str:
    """Return the text, cut to `MOST_CHARACTERS` after a sentence, or after a word if no sentence fits.

    Incomplete characters become question marks: a request cannot carry them.

    :param text: A text of any length.
    """
    text = text.encode(errors="replace").decode()
    if len(text) <= MOST_CHARACTERS:
        return text
    shorter = text[: MOST_CHARACTERS + 1]
    ends = [match.start() + 1 for match in _ENDS.finditer(shorter)]
    end = ends[-1] if ends else shorter.rfind(" ")
    return shorter[: end if end > 0 else MOST_CHARACTERS].strip()


def _spoken(name: str) -> str:
    """Return a name as words, so that the voice does not read "underscore"."""
    return re.sub(r"[_.\-]+", " ", name).strip() or name
