"""What is wrong in a DAG file is an error when the DAG is parsed, and costs the parsing next to nothing."""

import json
import re
import subprocess
import sys

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.operators.voice import (
    InforuSendExistingCampaignOperator,
    InforuSendTextToSpeechOperator,
)
from airflow_provider_inforu.transfers.sql_to_voice import SqlToInforuCampaignOperator
from tests.unit.operators.test_voice import Resolved, existing, log_of, people, text_to_speech

PARSE = """
import sys
from airflow.sdk import DAG
before = set(sys.modules)
from airflow_provider_inforu.operators.voice import InforuSendTextToSpeechOperator
with DAG("dag"):
    InforuSendTextToSpeechOperator(task_id="call", recipients=[], message="hi {name}", in_doubt="accept",
                                   invalid_recipients="skip", sending_window="sun-thu 09:00-20:00")
new = set(sys.modules) - before
print(sorted(new & {"requests", "phonenumbers", "sqlalchemy", "sqlite3", "pyarrow"}))
"""


class Frame:
    """A data frame, as far as the operator looks at it."""

    def to_dict(self, _orient):
        return []


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"message": "hi {"}, "a brace that is not part of a placeholder"),
        ({"message": "hi {first name}"}, "has the invalid placeholder {first name}"),
        ({"message": "  "}, "`message` is empty"),
        ({"message": ["x"]}, "`message` must be text"),
        ({"key_field": "phone"}, "`key_field` names the field with the phone"),
        ({"key_field": ["id"]}, "`key_field` must be the name of a field"),
        ({"invalid_recipients": "drop"}, "`invalid_recipients` must be one of fail, skip, not 'drop'"),
        ({"on_duplicate": "once"}, "`on_duplicate` must be one of skip, send, fail, not 'once'"),
        ({"in_doubt": "ask"}, "`in_doubt` must be one of fail, accept, resend, not 'ask'"),
        ({"resend": "maybe"}, "`resend` must be true or false, not 'maybe'"),
        ({"resend": "0500000001"}, "`resend` must be true or false, not '[phone hidden]'"),
        ({"dry_run": None}, "`dry_run` rendered to an empty value"),
        ({"data_options": {"CampaignName": "x"}}, "data_options may not set CampaignName"),
        ({"call_options": {"x": {1, 2}}}, "cannot be written as JSON"),
        ({"ignore_possible_sending_time": "maybe"}, "`ignore_possible_sending_time` must be true or false"),
        ({"campaign_name": ["x"]}, "`campaign_name` must be text"),
        ({"max_in_flight": 0}, "`max_in_flight` must be a whole number from 1 to 128, not 0"),
        ({"max_in_flight": 129}, "`max_in_flight` must be a whole number from 1 to 128, not 129"),
        ({"limit": 0}, "`limit` must be a whole number from 1"),
        ({"limit": -1}, "`limit` must be a whole number from 1"),
        ({"limit": "ten"}, "`limit` must be a whole number from 1"),
        ({"limit": True}, "`limit` must be a whole number from 1"),
        ({"limit": 1.5}, "`limit` must be a whole number from 1"),
        ({"timezone": "Israel/Tel Aviv"}, "timezone is unknown: 'Israel/Tel Aviv'"),
        ({"report_path": "report.xlsx"}, "`report_path` must end in one of .csv"),
        ({"report_path": "report\0.csv"}, "`report_path` contains a NUL character"),
        (
            {"recipients": None},
            "not NoneType. No new calls were placed. Pass the output of",
        ),
        ({"recipients": {"0500000001"}}, "not set. No new calls were placed. A set has no order"),
        (
            {"recipients": {"phone": "0500000001"}},
            "not dict. No new calls were placed. Pass the whole list: recipients=people()",
        ),
        ({"recipients": Frame()}, "not Frame. No new calls were placed. Pass frame.to_dict('records')"),
    ],
)
def test_a_constant_that_is_wrong_is_an_error_when_the_dag_is_parsed(arguments, error):
    with pytest.raises(InforuInputError, match=re.escape(error)) as raised:
        text_to_speech(**{"recipients": people(1), **arguments})
    assert "0500000001" not in str(raised.value)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"campaign_id": ""}, "campaign_id is empty"),
        ({"campaign_id": None}, "campaign_id is empty"),
        ({"campaign_id": [183]}, "campaign_id is empty"),
        ({"duplicate": "maybe"}, "`duplicate` must be true or false"),
        ({"duplicate_name": "Copy"}, "`duplicate_name` is set, but `duplicate` is not"),
    ],
)
def test_a_constant_of_a_campaign_that_is_wrong_is_an_error_when_the_dag_is_parsed(arguments, error):
    with pytest.raises(InforuInputError, match=error):
        existing(people(1), **arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        {"message": None},
        {"message": "{{ params.text }} {"},
        {"limit": "{{ params.limit }}"},
        {"recipients": Resolved(None)},
        {"recipients": "{{ params.file }}"},
        {"report_path": "{{ params.path }}"},
        {"sending_window": "{% if x %}{% endif %}"},
        {"dry_run": Resolved(True)},
        {"data_options": {"Note": Resolved(1)}},
    ],
)
def test_what_is_known_only_when_the_task_runs_is_not_judged_before(arguments):
    text_to_speech(**{"recipients": people(1), **arguments})


@pytest.mark.parametrize(
    ("operator", "arguments", "words"),
    [
        (
            InforuSendTextToSpeechOperator,
            {"requests_per_second": 5},
            "has no argument 'requests_per_second'. Set it in the connection. Its arguments are",
        ),
        (InforuSendTextToSpeechOperator, {"text": "hi"}, "has no argument 'text'. Did you mean 'message'?"),
        (InforuSendTextToSpeechOperator, {"reciepients": []}, "Did you mean 'recipients'?"),
        (InforuSendTextToSpeechOperator, {"report_pth": "x"}, "Did you mean 'report_path'?"),
        (InforuSendExistingCampaignOperator, {"campaign_id": 1, "text": "hi"}, "has no argument 'text'. Its"),
    ],
)
def test_an_argument_that_does_not_exist_is_named_with_those_that_do(operator, arguments, words):
    with DAG("dag"), pytest.raises(TypeError, match=re.escape(words)) as error:
        operator(task_id="call", recipients=[], **arguments)
    assert "key_field" in str(error.value)


def test_parsing_a_dag_imports_nothing_that_only_sending_needs():
    run = subprocess.run([sys.executable, "-c", PARSE], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "[]"


@pytest.mark.usefixtures("sandbox")
def test_a_task_whose_rows_airflow_would_show_sends_nothing(sandbox):
    task = text_to_speech(people(1), suppress=["0500000009"])
    with pytest.raises(AirflowFailException, match="`recipients` and `suppress` would be visible") as error:
        task.execute({})
    assert "0500000" not in str(error.value)
    assert sandbox.requests() == []


def test_a_query_operator_lists_no_recipients_among_its_arguments():
    with DAG("dag"), pytest.raises(TypeError, match=r"has no argument 'people'\. Its arguments are") as error:
        SqlToInforuCampaignOperator(task_id="call", conn_id="db", sql="x", campaign_id=1, people=[])
    assert "recipients," not in str(error.value).replace("invalid_recipients", "")
    assert "campaign_id" in str(error.value)


@pytest.mark.parametrize(
    ("operator", "arguments", "words"),
    [
        (
            InforuSendTextToSpeechOperator,
            {"message": "hi"},
            "`recipients` is missing. No new calls were placed. Pass the whole list: recipients=people()",
        ),
        (InforuSendTextToSpeechOperator, {"reciepients": []}, "Did you mean 'recipients' instead of 'reciep"),
        (InforuSendTextToSpeechOperator, {"phone": "0500000001"}, "`recipients` is missing"),
        (
            InforuSendExistingCampaignOperator,
            {"recipients": []},
            "`campaign_id` is missing. No new calls were placed. Pass the ID of the campaign",
        ),
        (
            InforuSendExistingCampaignOperator,
            {"recipients": [], "campaing_id": 183},
            "Did you mean 'campaign_id' instead of 'campaing_id'?",
        ),
    ],
)
def test_a_missing_argument_is_named_with_what_to_pass(operator, arguments, words):
    with DAG("dag"), pytest.raises(InforuInputError, match=re.escape(words)) as error:
        operator(task_id="call", **arguments)
    assert "0500000001" not in str(error.value)


def test_required_arguments_may_come_from_the_defaults_of_the_dag():
    with DAG("dag", default_args={"campaign_id": 183, "recipients": []}):
        task = InforuSendExistingCampaignOperator(task_id="call")
    assert (task.campaign_id, task.recipients) == (183, [])


@pytest.mark.usefixtures("sandbox")
def test_a_task_that_is_mapped_over_people_says_to_pass_the_whole_list(runner, sandbox, capsys):
    with DAG("dag"):
        mapped = InforuSendTextToSpeechOperator.partial(task_id="call", message="hi").expand(
            recipients=people(2)
        )
    assert runner.run(mapped, map_index=0) == "failed"
    log = log_of(capsys)
    assert "`recipients` must be a list, not dict. No new calls were placed" in log
    assert "Do not use .expand() over people" in log
    assert sandbox.requests() == []


@pytest.mark.usefixtures("sandbox")
def test_a_task_whose_arguments_are_mapped_over_people_says_that_recipients_is_missing(
    runner, sandbox, capsys
):
    with DAG("dag"):
        mapped = InforuSendTextToSpeechOperator.partial(task_id="call", message="hi").expand_kwargs(people(2))
    assert runner.run(mapped, map_index=0) == "failed"
    assert "`recipients` is missing. No new calls were placed." in log_of(capsys)
    assert sandbox.requests() == []


@pytest.mark.usefixtures("sandbox")
def test_a_task_that_is_mapped_over_lists_of_people_calls_them(runner, sandbox):
    with DAG("dag"):
        mapped = InforuSendExistingCampaignOperator.partial(task_id="call").expand_kwargs(
            [{"recipients": people(2), "campaign_id": 183}]
        )
    assert runner.run(mapped, map_index=0) == "success"
    assert len(sandbox.calls()) == 2


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (
            {"message": "hi {{ unset }}"},
            "For a field of the row, write {name} in single braces",
        ),
        (
            {"campaign_name": "{{ unset }}"},
            "Correct the template",
        ),
    ],
)
def test_an_undefined_variable_of_a_template_fails_without_a_retry(
    runner, sandbox, arguments, advice, capsys
):
    assert runner.run(text_to_speech(people(1), **arguments)) == "failed"
    (name,) = arguments
    problem = f"`{name}` has an undefined Jinja variable ('unset' is undefined)"
    log = log_of(capsys)
    assert f"{problem}. No new calls were placed. {advice}" in log
    assert "During handling of the above exception" not in log
    assert sandbox.requests() == []


@pytest.mark.usefixtures("sandbox")
def test_a_connection_that_airflow_does_not_find_is_named_and_a_retry_asks_again(runner, sandbox, capsys):
    assert runner.run(text_to_speech(people(1), inforu_conn_id="inforu")) == "up_for_retry"
    log = log_of(capsys)
    assert "The connection 'inforu' is missing in Airflow. No new calls were placed" in log
    assert "`inforu_conn_id` (default: inforu_default)" in log
    assert sandbox.requests() == []


def test_a_connection_of_another_type_stops_the_task_before_any_call(runner, sandbox, monkeypatch, capsys):
    monkeypatch.setenv("AIRFLOW_CONN_WEB", json.dumps({"conn_type": "http", "password": "web-password"}))
    assert runner.run(text_to_speech(people(1), inforu_conn_id="web")) == "failed"
    log = log_of(capsys)
    assert "The connection 'web' is of type http, not inforu" in log
    assert "No new calls were placed" in log
    assert "web-password" not in log
    assert sandbox.requests() == []


def test_an_invalid_template_fails_without_a_retry_and_says_how_to_name_a_field(runner, sandbox, capsys):
    assert runner.run(text_to_speech(people(1), message="hi {{name}")) == "failed"
    log = log_of(capsys)
    assert "`message` is not a valid Jinja template" in log
    assert "write {name} in single braces" in log
    assert sandbox.requests() == []


@pytest.mark.usefixtures("sandbox")
def test_a_task_that_is_mapped_over_phones_fails_without_a_retry_and_says_what_to_expand(
    runner, sandbox, capsys
):
    with DAG("dag"):
        mapped = InforuSendTextToSpeechOperator.partial(task_id="call", message="hi").expand(
            recipients=["0500000001", "0500000002"]
        )
    assert runner.run(mapped, map_index=0) == "failed"
    assert "each element of .expand() must be a list" in log_of(capsys)
    assert sandbox.requests() == []


@pytest.mark.usefixtures("sandbox")
def test_an_unknown_argument_of_a_mapped_task_fails_without_a_retry(runner, sandbox):
    with DAG("dag"):
        mapped = InforuSendTextToSpeechOperator.partial(task_id="call", message="hi").expand_kwargs(
            [{"recipients": people(2), "phonefield": "phone"}]
        )
    assert runner.run(mapped, map_index=0) == "failed"
    assert sandbox.requests() == []
