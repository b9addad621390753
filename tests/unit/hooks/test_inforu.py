import asyncio
import json
from dataclasses import dataclass

import pytest
from airflow.sdk._shared.secrets_masker import redact

from airflow_provider_inforu.capi.errors import InforuAccountError, InforuInputError
from airflow_provider_inforu.capi.jobs import JobStatus
from airflow_provider_inforu.capi.voice import Call, SendReceipt
from airflow_provider_inforu.hooks.inforu import InforuHook

CALL = {"phone": "050-000-0001", "text": "שלום", "message_id": "s-1"}


@pytest.fixture
def hook(connection):
    connection()
    return InforuHook()


def test_text_to_speech_returns_the_receipt_and_normalises_phones(hook, inforu_sandbox):
    receipt = hook.send_text_to_speech([CALL], campaign_name="Reminders", campaign_ref_id="r-1")
    (call,) = inforu_sandbox.calls()
    assert (call["phone"], call["text"], call["message_id"]) == ("0500000001", "שלום", "s-1")
    assert receipt == SendReceipt(call["campaign_id"], call["request_token"], receipt.request_id, 1)


def test_an_existing_campaign_is_sent(hook, inforu_sandbox):
    receipt = hook.send_existing_campaign(183, [{"phone": "0500000001"}])
    assert receipt.campaign_id == 183
    assert inforu_sandbox.calls()[0]["function"] == "Voice/Campaign/SendExisting"


def test_a_copy_of_a_campaign_is_sent(hook):
    receipt = hook.send_existing_campaign(
        183, [{"phone": "0500000001"}], duplicate=True, duplicate_name="Copy"
    )
    assert receipt.campaign_id not in (None, 183)


def test_a_call_object_is_sent_as_it_stands(hook, inforu_sandbox):
    hook.send_text_to_speech([Call(phone="0500000001", text="x", message_id="s-9")])
    assert inforu_sandbox.calls()[0]["message_id"] == "s-9"


def test_101_calls_reach_no_wire(hook, inforu_sandbox):
    with pytest.raises(InforuInputError, match="this one has 101"):
        hook.send_text_to_speech([CALL] * 101)
    with pytest.raises(InforuInputError, match="this one has 101"):
        hook.send_existing_campaign(183, [{"phone": "0500000001"}] * 101)
    assert inforu_sandbox.requests() == []


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ({"phone": "12345", "text": "x", "message_id": "0500000007"}, "Call 2: the phone"),
        (
            {"phone": "0500000001", "txt": "x"},
            "Call 2 has an unknown field. Known fields are message_id, phone, text",
        ),
        ("0500000001", "Call 2 is a str, not a mapping or a dataclass"),
        ({"phone": "0500000001"}, "call 2 has no text"),
        ({"phone": "0500000001", "text": 5}, "call 2 has no text"),
        ({"0500000001": "hello"}, "Call 2 has an unknown field"),
        (Call(phone="050-0000001", text="x"), "call 2 has no phone in local form"),
    ],
)
def test_a_call_that_cannot_be_made_reaches_no_wire_and_shows_no_phone(hook, inforu_sandbox, call, error):
    with pytest.raises(InforuInputError, match=error) as raised:
        hook.send_text_to_speech([CALL, call])
    assert inforu_sandbox.requests() == []
    assert "0500000001" not in str(raised.value)
    assert "12345" not in str(raised.value)


@dataclass
class Reminder:
    phone: str
    text: str
    message_id: str


def test_a_phone_in_the_place_of_a_message_id_is_not_shown(hook):
    with pytest.raises(InforuInputError, match="Call 1") as raised:
        hook.send_text_to_speech([{"phone": "12345", "text": "x", "message_id": "0500000001"}])
    assert "0500000001" not in str(raised.value)


def test_a_dataclass_is_a_call(hook, inforu_sandbox):
    hook.send_text_to_speech([Reminder("+972500000001", "x", "s-9")])
    assert inforu_sandbox.calls()[0]["phone"] == "0500000001"


@pytest.mark.parametrize("calls", [None, "0500000001", CALL, 5])
def test_calls_that_are_no_list_reach_no_wire(hook, inforu_sandbox, calls):
    with pytest.raises(InforuInputError, match="`calls` must be a list") as raised:
        hook.send_text_to_speech(calls)
    assert "0500000001" not in str(raised.value)
    assert inforu_sandbox.requests() == []


@pytest.mark.parametrize("campaign_id", [None, "", True, [183], 1.5])
def test_what_is_no_campaign_id_reaches_no_wire(hook, inforu_sandbox, campaign_id):
    with pytest.raises(InforuInputError, match="campaign_id is empty"):
        hook.send_existing_campaign(campaign_id, [{"phone": "0500000001"}])
    assert inforu_sandbox.requests() == []


def test_any_function_of_the_api_can_be_called(hook):
    assert hook.call("Admin/GetQuota", {"QuotaUsageType": "IVR"}).status_id == 1


def test_get_conn_gives_the_client(hook):
    assert hook.get_conn() is hook.get_conn()


def test_the_voice_quota_is_read(hook):
    (quota,) = hook.get_quota()
    assert (quota.usage, quota.remaining) == ("IVR", 5_000_000)


def test_without_a_status_function_a_jobs_state_cannot_be_asked_for(hook, inforu_sandbox):
    with pytest.raises(InforuInputError, match="has no `status_function`"):
        hook.get_job_status("token")
    assert inforu_sandbox.requests() == []


def test_a_jobs_state_comes_from_the_status_function(connection, inforu_sandbox):
    connection(status_function="Voice/Message/Status")
    hook = InforuHook()
    token = hook.send_text_to_speech([CALL]).request_token
    assert hook.get_job_status(token) is JobStatus.IN_PROGRESS
    inforu_sandbox.wait_until_calls_ended(timeout=10)
    assert hook.get_job_status(token) is JobStatus.FINISHED
    assert hook.get_job_status("never-heard-of") is JobStatus.NOT_FOUND
    with pytest.raises(InforuInputError, match="request_token is empty"):
        hook.get_job_status("")


def test_another_refusal_of_the_status_function_is_an_error(connection, inforu_sandbox):
    connection(status_function="Voice/Message/Status")
    inforu_sandbox.add_fault("status", status_id=-222)
    with pytest.raises(InforuAccountError):
        InforuHook().get_job_status("token")


def test_the_connection_test_reads_the_quota_and_calls_nobody(hook, inforu_sandbox):
    worked, message = hook.test_connection()
    assert worked
    assert message == f"Connected to {inforu_sandbox.url} as sandbox. Quota: IVR: 5000000 left (Packages)"
    assert [request["function"] for request in inforu_sandbox.requests()] == ["Admin/GetQuota"]
    assert inforu_sandbox.calls() == []


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "status", "status_id": -2}, "user name or API token is wrong"),
        ({"kind": "status", "status_id": -231}, "does not accept this kind of token"),
        ({"kind": "status", "status_id": -221}, "inactive, locked out or blocked"),
        ({"kind": "status", "status_id": -222}, "inactive, locked out or blocked"),
        ({"kind": "status", "status_id": -17}, "refused to return the quota"),
        ({"kind": "http_error", "http_status": 404}, "not from the Inforu API"),
        ({"kind": "garbage"}, "not from the Inforu API"),
        ({"kind": "http_error", "http_status": 503}, "The server reported a failure"),
        ({"kind": "status", "status_id": -1}, "The server reported a failure"),
        ({"kind": "drop"}, "reachable but sent no response"),
        ({"kind": "rate_limit"}, "too many requests"),
    ],
)
def test_the_connection_test_tells_failures_apart_in_words_to_act_on(hook, inforu_sandbox, fault, words):
    inforu_sandbox.add_fault(**fault)
    worked, message = hook.test_connection()
    assert not worked
    assert words in message


def test_the_connection_test_says_when_the_host_cannot_be_reached(hook, inforu_sandbox):
    inforu_sandbox.add_fault("refuse", seconds=30)
    worked, message = hook.test_connection()
    assert not worked
    assert "Check the fields API address and Proxy" in message
    assert "Connection refused" in message


def test_the_connection_test_says_when_a_field_is_wrong(connection):
    connection(tiemout=5)
    worked, message = InforuHook().test_connection()
    assert not worked
    assert message.startswith("This connection: extra has the unknown field 'tiemout'. Known fields are")


def test_an_answer_without_quota_rows_is_still_a_connection(hook, inforu_sandbox):
    inforu_sandbox.add_fault("loose_types", null_data=True)
    assert hook.test_connection() == (
        True,
        f"Connected to {inforu_sandbox.url} as sandbox. Quota: Inforu returned no quota for voice calls",
    )


def test_derived_secrets_are_masked_in_logs(connection):
    connection(notification_secret="secret-of-notifications", proxy="http://me:pr0xy-secret@proxy.example")
    assert InforuHook().settings.username == "sandbox"
    shown = redact("c2FuZGJveDpzYW5kYm94LXRva2Vu sandbox-token secret-of-notifications pr0xy-secret")
    assert shown == "*** *** *** ***"


def test_the_forms_of_airflow_3_0_have_the_same_fields_as_the_provider_info():
    from airflow_provider_inforu.get_provider_info import CONNECTION_FIELDS, FIELD_BEHAVIOUR

    widgets = InforuHook.get_connection_form_widgets()
    assert list(widgets) == list(CONNECTION_FIELDS)
    kinds = {name: widget.field_class.__name__ for name, widget in widgets.items()}
    assert kinds["timeout"] == "IntegerField"
    assert kinds["notification_secret"] == "PasswordField"
    assert kinds["receiver_url"] == "StringField"
    assert json.dumps(InforuHook.get_ui_field_behaviour()["relabeling"]) == json.dumps(
        FIELD_BEHAVIOUR["relabeling"]
    )
    assert set(InforuHook.get_ui_field_behaviour()) == {"hidden_fields", "relabeling", "placeholders"}


async def _loaded(conn_id):
    hook = InforuHook(conn_id)
    await hook.load_settings()


@pytest.mark.parametrize("as_uri", [True, False], ids=["as a URI", "as JSON"])
@pytest.mark.parametrize(
    "load",
    [lambda conn_id: InforuHook(conn_id).get_quota(), lambda conn_id: asyncio.run(_loaded(conn_id))],
    ids=["worker", "trigger"],
)
def test_the_password_of_a_connection_of_another_type_goes_nowhere(inforu_sandbox, monkeypatch, load, as_uri):
    other = json.loads(inforu_sandbox.connection_json()) | {"conn_type": "http"}
    uri = f"http://{other['login']}:{other['password']}@{inforu_sandbox.url.removeprefix('http://')}"
    monkeypatch.setenv("AIRFLOW_CONN_OTHER", uri if as_uri else json.dumps(other))
    with pytest.raises(InforuInputError, match="The connection 'other' is of type http, not inforu"):
        load("other")
    assert inforu_sandbox.requests() == []


def test_the_connection_test_speaks_of_this_connection_and_not_of_a_name_that_airflow_made_up(
    inforu_sandbox, monkeypatch
):
    # As the Test button does: an id of eight random characters, in the environment for a moment.
    stored = json.loads(inforu_sandbox.connection_json()) | {"host": "http://127.0.0.1:1", "port": 2}
    monkeypatch.setenv("AIRFLOW_CONN_XGARKXFE", json.dumps(stored))
    works, words = InforuHook("xGaRKXFE").test_connection()
    assert not works
    assert words.startswith("This connection: API address (host) has port 1, but the field Port has 2")
    assert "xGaRKXFE" not in words
