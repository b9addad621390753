"""The vendor's API as the guide describes it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests

from airflow_provider_inforu.capi.statuses import StatusId

MESSAGE_SEND = """
{
"Data": {
"List": [

         {
   "TextToSpeech": "Hello World",
   "Phone": "0589995551",
   "CustomerMessageID": "9865998888"
}
]

  }
        }
"""
SEND_EXISTING = """
{
"Data": {
"CampaignId":"183",
"List": [

         {
   "Phone": "0589995551",
   "CustomerMessageID": "9865998888"
}

]
  }

        }
"""
GUIDES_EXAMPLES = [("Voice/Message/Send", MESSAGE_SEND), ("Voice/Campaign/SendExisting", SEND_EXISTING)]


def assert_accepted(response: requests.Response, function: str) -> dict[str, Any]:
    """Compare an answer with the guide's: the same fields, in the same order, of the same types."""
    answer = response.json()
    assert response.status_code == 200
    assert list(answer) == [
        "StatusId",
        "StatusDescription",
        "DetailedDescription",
        "FunctionName",
        "RequestId",
        "Data",
    ]
    assert answer["StatusId"] == 1
    assert answer["StatusDescription"] == "Success"
    assert answer["DetailedDescription"] == ""
    assert answer["FunctionName"] == f"api/v2/{function}"
    assert isinstance(answer["RequestId"], str)
    assert list(answer["Data"]) == ["CampaignID", "RequestToken"]
    assert isinstance(answer["Data"]["CampaignID"], int)
    assert isinstance(answer["Data"]["RequestToken"], str)
    return answer["Data"]


@pytest.mark.parametrize(("function", "body"), GUIDES_EXAMPLES)
def test_the_guides_example_is_accepted_with_the_header(sandbox, function, body):
    response = requests.post(
        f"{sandbox.url}/api/V2/{function}/",
        data=body,
        headers={"content-type": "application/json", "user-agent": "guide/1"},
        auth=(sandbox.username, sandbox.token),
        timeout=20,
    )

    data = assert_accepted(response, function)
    [call] = sandbox.calls()
    assert (call["phone"], call["message_id"]) == ("0589995551", "9865998888")
    assert (call["campaign_id"], call["request_token"]) == (data["CampaignID"], data["RequestToken"])
    [request] = sandbox.requests()
    assert request["body"] == json.loads(body)
    assert {
        name: request[name] for name in ("function", "auth", "http_status", "status_id", "user_agent")
    } == {
        "function": function,
        "auth": "header",
        "http_status": 200,
        "status_id": 1,
        "user_agent": "guide/1",
    }


@pytest.mark.parametrize(("function", "body"), GUIDES_EXAMPLES)
def test_the_guides_example_is_accepted_with_auth_in_the_body(sandbox, function, body):
    authenticated = {"Auth": {"Username": sandbox.username, "Token": sandbox.token}, **json.loads(body)}
    response = requests.post(f"{sandbox.url}/api/v2/{function}?json=", json=authenticated, timeout=20)

    assert_accepted(response, function)
    [request] = sandbox.requests()
    assert request["auth"] == "body"
    assert request["body"] == {**authenticated, "Auth": {"Username": sandbox.username, "Token": "***"}}


@pytest.mark.parametrize(
    "given",
    [
        {"auth": ("sandbox", "wrong")},
        {"auth": ("wrong", "sandbox-token")},
        {"headers": {"Authorization": "Basic not base64"}},
        {"headers": {"Authorization": "Bearer c2FuZGJveDpzYW5kYm94LXRva2Vu"}},
        {"json": {"Auth": {"Username": "sandbox", "Token": "wrong"}}},
        {"json": {"Auth": "sandbox:sandbox-token"}},
        {"json": {}},
        {"data": "no JSON"},
    ],
)
def test_wrong_credentials_are_401_and_minus_2(sandbox, given):
    response = requests.post(f"{sandbox.url}/api/v2/Voice/Message/Send", timeout=20, **given)

    assert (response.status_code, response.json()["StatusId"]) == (401, -2)
    assert response.json()["Data"] is None
    assert sandbox.calls() == []


def test_the_header_decides_where_auth_is_in_the_body_too(sandbox):
    body = {"Auth": {"Username": sandbox.username, "Token": sandbox.token}, "Data": {}}
    response = requests.post(f"{sandbox.url}/api/v2/Admin/GetQuota", json=body, auth=("a", "b"), timeout=20)
    assert response.json()["StatusId"] == -2


def test_a_batch_of_100_is_accepted(send, sandbox):
    assert send(*[f"05000{number:05}" for number in range(100)]).json()["StatusId"] == 1
    assert len(sandbox.calls()) == 100


@pytest.mark.parametrize("function", ["Voice/Message/Send", "Voice/Campaign/SendExisting"])
def test_a_batch_of_101_is_refused_with_2010(post, sandbox, function):
    items = [{"TextToSpeech": "Hello", "Phone": f"05000{number:05}"} for number in range(101)]
    response = post(function, {"CampaignId": 183, "List": items})
    assert (response.status_code, response.json()["StatusId"]) == (403, -2010)
    assert sandbox.calls() == []


@pytest.mark.parametrize(
    ("data", "status_id"),
    [
        ({}, -6),
        (None, -6),
        ({"List": []}, -6),
        ({"List": None}, -6),
        ({"List": {"Phone": "0500000001"}}, -6),
        ({"List": [{"Phone": "0500000001"}]}, -9),
        ({"List": [{"Phone": "0500000001", "TextToSpeech": " "}]}, -9),
        ({"List": ["0500000001"]}, -9),
        ({"List": [{"TextToSpeech": "Hello"}]}, -18),
        ({"List": [{"TextToSpeech": "Hello", "Phone": "12"}]}, -18),
        ({"List": [{"TextToSpeech": "Hello", "Phone": True}]}, -18),
    ],
)
def test_text_to_speech_that_cannot_be_is_refused_in_the_vendors_words(post, sandbox, data, status_id):
    response = post("Voice/Message/Send", data)
    assert (response.status_code, response.json()["StatusId"]) == (403, status_id)
    assert sandbox.calls() == []


@pytest.mark.parametrize(
    ("data", "status_id"),
    [
        ({"CampaignId": "183"}, -6),
        ({"CampaignId": "999", "List": [{"Phone": "0500000001"}]}, -17),
        ({"CampaignId": "spring", "List": [{"Phone": "0500000001"}]}, -17),
        ({"List": [{"Phone": "0500000001"}]}, -17),
        ({"CampaignId": 183, "List": [{"Phone": "12"}]}, -18),
    ],
)
def test_a_campaign_send_that_cannot_be_is_refused(post, sandbox, data, status_id):
    assert post("Voice/Campaign/SendExisting", data).json()["StatusId"] == status_id
    assert sandbox.calls() == []


def test_an_invalid_phone_among_others_is_left_out_and_the_others_are_called(send, sandbox):
    assert send("0500000001", "12", "+972-50-000-0002", "972500000003", "٠٥٠٠٠٠٠٠٠٤").json()["StatusId"] == 1
    assert [call["phone"] for call in sandbox.calls()] == ["0500000001", "0500000002", "0500000003"]


def test_hebrew_text_and_a_number_as_message_id_are_kept(post, sandbox):
    item = {"TextToSpeech": "שלום עולם", "Phone": "0500000001", "CustomerMessageID": 17}
    post("Voice/Message/Send", {"List": [item]})
    [call] = sandbox.calls()
    assert (call["text"], call["message_id"]) == ("שלום עולם", "17")


def test_a_body_that_is_not_json_is_a_general_failure(sandbox):
    for body in (b"{", b'{"Data": NaN}', b'{"Data": 1e999}', b"\xff\xfe", b"[" * 100_000):
        response = requests.post(
            f"{sandbox.url}/api/v2/Voice/Message/Send",
            data=body,
            auth=(sandbox.username, sandbox.token),
            timeout=20,
        )
        assert (response.status_code, response.json()["StatusId"]) == (401, -1)
    assert {request["body"] for request in sandbox.requests()} == {None}


def test_a_function_that_does_not_exist_is_an_invalid_uri(post):
    response = post("Voice/Message/Sing", {})
    assert (response.status_code, response.json()["StatusId"]) == (404, -230)


def test_another_version_of_the_api_does_not_exist(sandbox):
    assert requests.post(f"{sandbox.url}/api/v3/Voice/Message/Send", timeout=20).status_code == 404


def test_calls_without_ref_id_go_to_the_campaign_of_the_month(send, sandbox):
    before = datetime.now(ZoneInfo("Asia/Jerusalem"))
    first = send("0500000001", CampaignName="ignored").json()["Data"]["CampaignID"]
    second = send("0500000002").json()["Data"]["CampaignID"]
    assert first == second
    [campaign] = [made for made in sandbox.campaigns() if made["campaign_id"] == first]
    assert campaign["name"] == campaign["ref_id"]
    assert campaign["ref_id"] in {f"Default{before:%Y%m}", f"Default{datetime.now(before.tzinfo):%Y%m}"}
    assert campaign["calls"] == 2


def test_a_ref_id_makes_a_campaign_once_and_finds_it_again(send, sandbox):
    first = send("0500000001", CampaignRefId="spring", CampaignName="Spring").json()["Data"]["CampaignID"]
    again = send("0500000002", CampaignRefId="spring", CampaignName="Other").json()["Data"]["CampaignID"]
    other = send("0500000003", CampaignRefId=7).json()["Data"]["CampaignID"]
    assert first == again != other
    names = {made["campaign_id"]: made["name"] for made in sandbox.campaigns()}
    assert (names[first], names[other]) == ("Spring", "7")


def test_an_existing_campaign_is_sent_under_its_own_id(post, sandbox):
    answer = post(
        "Voice/Campaign/SendExisting", {"CampaignId": 183, "List": [{"Phone": "0500000001"}]}
    ).json()
    assert answer["Data"]["CampaignID"] == 183
    [call] = sandbox.calls()
    assert (call["text"], call["message_id"], call["function"]) == (None, "", "Voice/Campaign/SendExisting")


@pytest.mark.parametrize("flag", [True, 1, "1", "true"])
def test_duplicate_makes_a_copy_with_a_new_campaign_id(post, sandbox, flag):
    request = {"CampaignId": "183", "Duplicate": flag, "List": [{"Phone": "0500000001"}]}
    copy = post("Voice/Campaign/SendExisting", {**request, "DuplicateName": "Copy A"}).json()["Data"][
        "CampaignID"
    ]
    unnamed = post("Voice/Campaign/SendExisting", request).json()["Data"]["CampaignID"]
    campaigns = {made["campaign_id"]: made["name"] for made in sandbox.campaigns()}
    assert len({183, copy, unnamed}) == 3
    assert (campaigns[copy], campaigns[unnamed]) == ("Copy A", "Copy of Campaign 183")
    copied_again = post("Voice/Campaign/SendExisting", {**request, "CampaignId": copy, "Duplicate": False})
    assert copied_again.json()["Data"]["CampaignID"] == copy


def test_campaigns_that_shall_exist_can_be_set_and_new_ids_avoid_them(post, send, sandbox):
    sandbox.update_settings(existing_campaigns=[194, 500])
    sent = post("Voice/Campaign/SendExisting", {"CampaignId": "500", "List": [{"Phone": "0500000001"}]})
    assert sent.json()["StatusId"] == 1
    assert send("0500000001", CampaignRefId="new").json()["Data"]["CampaignID"] == 195


def test_the_quota_refuses_whole_batches_that_exceed_it(send, post, sandbox):
    sandbox.update_settings(quota=2)
    assert send("0500000001", "0500000002", "0500000003").json()["StatusId"] == -15
    assert sandbox.calls() == []
    assert send("0500000001", "0500000002").json()["StatusId"] == 1
    assert send("0500000001").json()["StatusId"] == -15
    rows = post("Admin/GetQuota", {"QuotaUsageType": "IVR", "Level": "Customer"}).json()["Data"]
    assert rows == {
        "Level": "Customer",
        "LevelValue": "",
        "List": [
            {"QuotaUsageType": "IVR", "QuotaType": "Packages", "RemainingQuota": 0, "WarningLevel": 0},
        ],
    }


def test_a_quota_without_end_is_unlimited_for_every_kind_of_message(send, post, sandbox):
    sandbox.update_settings(quota=None)
    assert send("0500000001").json()["StatusId"] == 1
    rows = post("Admin/GetQuota", {}).json()["Data"]["List"]
    assert {(row["QuotaUsageType"], row["QuotaType"]) for row in rows} == {
        ("SMS", "Unlimited"),
        ("Email", "Unlimited"),
        ("IVR", "Unlimited"),
    }


def test_one_request_too_many_in_a_second_is_429_with_retry_after(sandbox):
    sandbox.update_settings(requests_per_second=3)
    with requests.Session() as session:
        responses = [
            session.post(
                f"{sandbox.url}/api/v2/Admin/GetQuota", json={}, auth=("sandbox", "sandbox-token"), timeout=20
            )
            for _ in range(40)
        ]
    refused = [response for response in responses if response.status_code == 429]
    assert [response.status_code for response in responses[:3]] == [200, 200, 200]
    assert refused
    assert {response.json()["StatusId"] for response in refused} == {-429}
    assert {response.headers["Retry-After"] for response in refused} == {"1"}


def test_the_rate_limit_lets_requests_through_again_after_its_second(post, sandbox, wait_for):
    sandbox.update_settings(requests_per_second=1)
    assert post("Admin/GetQuota", {}).status_code == 200
    wait_for(lambda: post("Admin/GetQuota", {}).status_code == 200)


def test_the_status_of_a_job_follows_its_calls(send, post, sandbox):
    sandbox.update_settings(call_seconds=60)
    ringing = send("0500000001").json()["Data"]["RequestToken"]
    sandbox.update_settings(call_seconds=0)
    ended = send("0500000002").json()["Data"]["RequestToken"]
    silent = send("0500000001", "0500000005").json()["Data"]["RequestToken"]

    def status_of(request_token: Any) -> tuple[int, int]:
        response = post("Voice/Message/Status", {"RequestToken": request_token})
        return response.status_code, response.json()["StatusId"]

    assert status_of(ringing) == (403, StatusId.JOB_IN_PROGRESS)
    assert status_of(ended) == (200, StatusId.SUCCESS)
    assert status_of(silent) == (403, StatusId.JOB_IN_PROGRESS)
    assert status_of("never given out") == (403, StatusId.REQUEST_TOKEN_NOT_FOUND)
    assert status_of(None) == (403, StatusId.REQUEST_TOKEN_NOT_FOUND)


def test_latency_delays_the_answer_and_not_the_acceptance(sandbox):
    sandbox.update_settings(latency=20)
    with pytest.raises(requests.ReadTimeout):
        requests.post(
            f"{sandbox.url}/api/v2/Voice/Message/Send",
            json={"Data": {"List": [{"TextToSpeech": "Hello", "Phone": "0500000001"}]}},
            auth=(sandbox.username, sandbox.token),
            timeout=0.5,
        )
    assert len(sandbox.calls()) == 1
