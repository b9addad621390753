from types import SimpleNamespace

import pytest

from airflow_provider_inforu._compat import AirflowFailException
from airflow_provider_inforu.notifications.callback_event import CallbackEvent, Kind, read_event
from airflow_provider_inforu.notifications.sentences import LANGUAGES, cut_to_hear, sentence_on
from tests.unit.notifications.conftest import task_context

ME = object()
WAITING = SimpleNamespace(task_id="approve", notifiers=[ME], subject="Call 5,000 people?")


def waiting(**further):
    context = task_context("running", task_id="approve", **further)
    context["ti"].task = WAITING
    return context


def placed(state, *places, **further):
    """A task that lists the notifier in these places."""
    context = task_context(state, **further)
    vars(context["ti"].task).update({place: [object(), ME] for place in places})
    return context


@pytest.mark.parametrize(
    ("context", "kind", "subject"),
    [
        (task_context("failed"), Kind.TASK_FAILED, "task failed daily_orders load_orders"),
        (task_context("up_for_retry"), Kind.TASK_RETRIES, None),
        (task_context("success", exception=None), Kind.TASK_SUCCEEDED, None),
        (task_context("skipped"), Kind.TASK_SKIPPED, None),
        (task_context("running"), Kind.TASK_STARTS, None),
        # Before Airflow 3.2 a task's state says "running" after its end too.
        (task_context("running", exception=ValueError("boom")), Kind.TASK_FAILED, None),
        (task_context("running", exception=None), Kind.TASK_SUCCEEDED, None),
        (waiting(), Kind.TASK_WAITS, "task waits for a decision daily_orders approve Call 5,000 people?"),
        # The DAG processor's callbacks of lost tasks have no state, and those of DAGs have the last task.
        (task_context(None), Kind.TASK_FAILED, None),
        (task_context(None, reason="task_failure"), Kind.DAG_FAILED, "DAG failed daily_orders"),
        (task_context("failed", reason="timed_out"), Kind.DAG_FAILED, None),
        (task_context("success", reason="success"), Kind.DAG_SUCCEEDED, None),
        (
            {"dag_run": {"dag_id": "daily_orders"}, "deadline": {}},
            Kind.DEADLINE_MISSED,
            "deadline missed daily_orders",
        ),
        ({}, Kind.UNKNOWN, "callback"),
    ],
)
def test_each_context_tells_what_happened(context, kind, subject):
    occasion = read_event(context, ME)
    assert occasion.kind is kind
    assert subject in (None, occasion.subject)


@pytest.mark.parametrize("further", [{}, {"exception": ValueError("boom")}])
@pytest.mark.parametrize("state", [None, "running"])
@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("on_failure_callback", Kind.TASK_FAILED),
        ("on_retry_callback", Kind.TASK_RETRIES),
        ("on_success_callback", Kind.TASK_SUCCEEDED),
        ("on_skipped_callback", Kind.TASK_SKIPPED),
        ("on_execute_callback", Kind.TASK_STARTS),
    ],
)
def test_where_the_state_does_not_say_it_the_place_of_the_notifier_does(state, place, kind, further):
    assert read_event(placed(state, place, **further), ME).kind is kind
    alone = task_context(state, **further)
    setattr(alone["ti"].task, place, ME)
    assert read_event(alone, ME).kind is kind


@pytest.mark.parametrize("state", [None, "running"])
@pytest.mark.parametrize(
    ("tries", "most", "exception", "kind"),
    [
        (1, 1, ValueError("boom"), Kind.TASK_RETRIES),
        (2, 1, ValueError("boom"), Kind.TASK_FAILED),
        (1, 0, ValueError("boom"), Kind.TASK_FAILED),
        (1, 1, AirflowFailException("boom"), Kind.TASK_FAILED),
    ],
)
def test_a_notifier_for_retries_and_failures_tells_them_apart_by_the_tries(
    state, tries, most, exception, kind
):
    context = placed(state, "on_retry_callback", "on_failure_callback", exception=exception)
    context["ti"].try_number, context["ti"].max_tries = tries, most
    assert read_event(context, ME).kind is kind


def test_a_state_goes_before_the_place():
    assert read_event(placed("failed", "on_retry_callback"), ME).kind is Kind.TASK_FAILED


def test_one_notifier_in_all_places_still_knows_a_question():
    context = placed("running", "on_failure_callback", "notifiers")
    assert read_event(context, ME).kind is Kind.TASK_WAITS


def test_another_question_is_another_subject():
    subjects = set()
    for question in ("May customer_1234567 be called?", "May customer_7654321 be called?"):
        context = waiting()
        context["ti"].task = SimpleNamespace(**{**vars(WAITING), "subject": question})
        subjects.add(read_event(context, ME).subject)
    assert len(subjects) == 2


@pytest.mark.parametrize(
    ("run_id", "shown"),
    [
        ("manual__2026-11-24T17:06:47.564189+00:00", "manual__2026-11-24T17:06:47.564189+00:00"),
        ("scheduled__2026-11-24T17:06:00+00:00_aB3dEf9h", "scheduled__2026-11-24T17:06:00+00:00_aB3dEf9h"),
        ("call_0500000001", "call_[phone hidden]"),
        ("manual__2026-11-24T17:06:47+00:00_0500000001", "manual__[phone hidden]T[phone hidden]"),
    ],
)
def test_the_name_of_a_missed_deadline_has_the_run_and_no_phone(run_id, shown):
    context = {"dag_run": {"dag_id": "orders_0500000001", "dag_run_id": run_id}, "deadline": {}}
    assert read_event(context, ME).name == f"deadline missed orders_[phone hidden] {shown}"


def test_mapped_tasks_and_runs_are_one_subject():
    subjects = {read_event(task_context("failed", map_index=number), ME).subject for number in range(10)}
    assert len(subjects) == 1


def test_display_names_are_said_and_ids_are_the_subject():
    context = task_context("failed")
    context["dag"].dag_display_name = "ההזמנות של היום"
    context["ti"].task.task_display_name = "טעינה"
    occasion = read_event(context, ME)
    assert sentence_on(occasion, "he") == "התראה מאיירפלו. המשימה טעינה בתהליך ההזמנות של היום נכשלה."
    assert occasion.subject == "task failed daily_orders load_orders"


def test_a_person_who_is_to_decide_hears_what_about():
    assert sentence_on(read_event(waiting(), ME), "en") == (
        "Message from Airflow. The task approve of the DAG daily orders waits for a person to decide. "
        "Call 5,000 people?"
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", Kind)
def test_there_is_a_sentence_for_everything_in_each_language(language, kind):
    occasion = CallbackEvent(kind, "daily_orders", "load-orders.v2", "daily_orders", "load-orders.v2")
    text = sentence_on(occasion, language)
    assert "daily orders" in text
    assert ("load orders v2" in text) == kind.name.startswith("TASK")
    assert not set("_{}") & set(text)
    assert any("א" <= letter <= "ת" for letter in text) == (language == "he")
    assert sentence_on(CallbackEvent(kind), language)


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("Short.", "Short."),
        ("a" * 500 + ". " + "b" * 200, "a" * 500 + "."),
        ("a" * 300 + "! 3.5 " + "b" * 400, "a" * 300 + "!"),
        ("word " * 200, ("word " * 120).strip()),
        ("a" * 700, "a" * 600),
        ("a" * 599 + ". " + "b", "a" * 599 + "."),
        ("no file \udce9.csv", "no file ?.csv"),
    ],
)
def test_a_long_text_is_cut_at_a_sentence_else_at_a_word(text, heard):
    assert cut_to_hear(text) == heard
