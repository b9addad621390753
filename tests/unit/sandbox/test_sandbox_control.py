"""The control API over HTTP."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_inforu.sandbox.vendor_facts import FACTS

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
ITEM = st.fixed_dictionaries({}, optional=dict.fromkeys(("Phone", "TextToSpeech", "CustomerMessageID"), JSON))
PHONE_ITEM = st.fixed_dictionaries(
    {"Phone": st.just("0500000001"), "TextToSpeech": st.text(st.characters(codec=None))},
    optional={"CustomerMessageID": JSON},
)
DATA = st.fixed_dictionaries(
    {},
    optional={
        "List": JSON | st.lists(ITEM | PHONE_ITEM | JSON, max_size=4),
        **dict.fromkeys(
            ("CampaignRefId", "CampaignName", "CampaignId", "Duplicate", "RequestToken", "Level"), JSON
        ),
    },
)
BODY = JSON | st.fixed_dictionaries({"Data": DATA | JSON}, optional={"Auth": JSON})
FUNCTIONS = st.sampled_from(
    ["Voice/Message/Send", "Voice/Campaign/SendExisting", "Admin/GetQuota", "Voice/Message/Status", "Nothing"]
)


@pytest.fixture
def control(sandbox):
    def request(method: str, path: str, **options: Any) -> requests.Response:
        return requests.request(method, f"{sandbox.url}/_sandbox/{path}", timeout=20, **options)

    return request


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(function=FUNCTIONS, body=BODY, in_header=st.booleans())
def test_no_json_body_breaks_the_vendors_api_or_the_recorder(sandbox, function, body, in_header):
    auth = (sandbox.username, sandbox.token) if in_header else None
    with requests.Session() as session:
        response = session.post(f"{sandbox.url}/api/v2/{function}", json=body, auth=auth, timeout=20)
    assert response.status_code < 500
    assert isinstance(response.json()["StatusId"], int)
    assert sandbox.requests()[-1]["status_id"] == response.json()["StatusId"]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=JSON
    | st.dictionaries(st.sampled_from(["kind", "count", "seconds", "function", "seed", "quota"]), JSON)
)
def test_no_json_body_breaks_the_control_api(sandbox, body):
    for method, path in (("POST", "faults"), ("PUT", "settings")):
        with requests.Session() as session:
            response = session.request(method, f"{sandbox.url}/_sandbox/{path}", json=body, timeout=20)
        assert response.status_code in {200, 201, 400, 422}
    sandbox.reset()


def test_health_says_that_nobody_is_called(control, sandbox):
    assert control("GET", "health").json() == {
        "ok": True,
        "username": sandbox.username,
        "calls_anyone": False,
    }


def test_calls_and_requests_are_shown_as_python_shows_them(control, send, sandbox):
    sandbox.update_settings(call_seconds=0)
    send("0500000001", "0500000002")
    send("0500000003")
    assert control("GET", "calls").json() == sandbox.calls()
    assert control("GET", "requests").json() == sandbox.requests()
    assert control("GET", "campaigns").json() == sandbox.campaigns()
    newest = control("GET", "calls?newest=2").json()
    assert [call["phone"] for call in newest] == ["0500000002", "0500000003"]
    assert set(sandbox.calls()[0]) == {
        "phone",
        "text",
        "message_id",
        "campaign_id",
        "request_token",
        "function",
        "accepted_at",
        "ended_at",
        "status",
        "digit",
        "seconds",
    }


def test_a_lone_surrogate_is_recorded_and_shown(control, sandbox):
    item = {"TextToSpeech": "\ud800", "Phone": "0500000009", "CustomerMessageID": "\ud801"}
    body = json.dumps({"Data": {"List": [item]}})
    requests.post(
        f"{sandbox.url}/api/v2/Voice/Message/Send",
        data=body,
        auth=(sandbox.username, sandbox.token),
        timeout=20,
    )
    assert [call["text"] for call in control("GET", "calls").json()] == ["\ud800"]
    assert control("GET", "requests").status_code == 200


def test_the_summary_counts_what_rings_and_how_calls_ended(control, send, sandbox):
    sandbox.update_settings(call_seconds=0)
    send("0500000001", "0500000002", "0500000003", "0500000004", "0500000005")
    assert control("GET", "summary").json() == {
        "calls": 5,
        "ringing": 1,
        "by_status": {"Answered": 2, "NoAnswer": 1, "Busy": 1},
        "requests": 1,
    }


def test_reset_forgets_everything_and_goes_back_to_the_first_settings(control, send, sandbox):
    first = control("GET", "settings").json()
    send("0500000001", CampaignRefId="spring")
    sandbox.add_fault("drop")
    sandbox.update_settings(seed=99, quota=0)
    assert control("POST", "reset").json() == {"ok": True}
    assert [control("GET", path).json() for path in ("calls", "requests", "faults", "pushes")] == [[]] * 4
    assert [campaign["campaign_id"] for campaign in sandbox.campaigns()] == [183]
    assert control("GET", "settings").json() == {**first, "requests_per_second": 30}


def test_settings_change_by_name_and_the_others_stay(control, sandbox):
    before = sandbox.settings()
    changed = control("PUT", "settings", json={"latency": 0.2, "existing_campaigns": [1, 2]}).json()
    assert changed == {**before, "latency": 0.2, "existing_campaigns": [1, 2]}
    assert control("GET", "settings").json() == changed


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sead": 1}, "sead: unknown name"),
        ({"seed": "one"}, "seed: "),
        ({"latency": -1}, "latency: "),
        ({"notification_url": "receiver"}, "notification_url: "),
        ({"requests_per_second": True}, "requests_per_second: "),
        ({"existing_campaigns": ["spring"]}, "existing_campaigns.0: "),
    ],
)
def test_a_setting_that_cannot_be_is_422_in_words_and_changes_nothing(control, sandbox, change, words):
    before = sandbox.settings()
    response = control("PUT", "settings", json={"seed": 5, **change})
    assert response.status_code == 422
    assert words in response.json()["error"]
    assert sandbox.settings() == before


@pytest.mark.parametrize(("body", "words"), [(b"{", "not JSON"), (b"[]", "must be a JSON object")])
@pytest.mark.parametrize(("method", "path"), [("PUT", "settings"), ("POST", "faults")])
def test_a_control_body_that_is_no_object_is_400_in_words(control, method, path, body, words):
    response = control(method, path, data=body)
    assert response.status_code == 400
    assert words in response.json()["error"]


def test_faults_are_added_listed_and_cleared(control):
    added = control("POST", "faults", json={"kind": "slow", "seconds": 2, "count": 3})
    assert (added.status_code, added.json()) == (
        201,
        {"kind": "slow", "function": None, "count": 3, "seconds": 2.0},
    )
    assert control("GET", "faults").json() == [added.json()]
    assert control("DELETE", "faults").json() == {"ok": True}
    assert control("GET", "faults").json() == []


def test_a_fault_that_cannot_be_is_422(control):
    response = control("POST", "faults", json={"kind": "explode"})
    assert response.status_code == 422
    assert response.json()["error"].startswith("kind: ")


def test_refuse_over_http_answers_first_and_refuses_then(control, wait_for):
    assert control("POST", "faults", json={"kind": "refuse", "seconds": 1}).status_code == 201
    with pytest.raises(requests.ConnectionError, match="refused"):
        control("GET", "health")

    def listens() -> bool:
        try:
            return control("GET", "health").ok
        except requests.ConnectionError:
            return False

    wait_for(listens)


def test_facts_tell_documented_from_assumed(control):
    facts = control("GET", "facts").json()
    assert {fact["mark"] for fact in facts} == {"documented", "assumed"}
    assert [fact["behaviour"] for fact in facts] == [fact.behaviour for fact in FACTS]


def test_many_connections_send_at_once_and_every_call_is_kept(post, sandbox):
    sandbox.update_settings(latency=0.2)

    def send_batch(batch: int) -> int:
        items = [{"TextToSpeech": "Hello", "Phone": f"0521{batch:03}{number:03}"} for number in range(100)]
        return post("Voice/Message/Send", {"List": items}).json()["StatusId"]

    with ThreadPoolExecutor(32) as pool:
        assert set(pool.map(send_batch, range(64))) == {1}
    assert len({call["phone"] for call in sandbox.calls()}) == 6_400
