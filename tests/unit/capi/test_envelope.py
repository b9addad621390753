import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_inforu.capi import errors
from airflow_provider_inforu.capi.envelope import (
    as_int,
    as_text,
    basic_authorization,
    build_body,
    build_url,
    get_field,
    parse_reply,
)

SUCCESS = {
    "StatusId": 1,
    "StatusDescription": "Success",
    "DetailedDescription": "",
    "FunctionName": "api/v2/Voice/Message/Send",
    "RequestId": "lhdfsdkjfhsdlhfsdk",
    "Data": {"CampaignID": 194, "RequestToken": "sjhjsbbjujjnjbjb"},
}


def parse(envelope, http_status=200, **kwargs):
    body = envelope if isinstance(envelope, bytes) else json.dumps(envelope).encode()
    return parse_reply(body, http_status=http_status, function="Voice/Message/Send", **kwargs)


def test_the_guides_answer_is_read():
    reply = parse(SUCCESS)
    assert (reply.status_id, reply.status_description) == (1, "Success")
    assert reply.function_name == "api/v2/Voice/Message/Send"
    assert reply.request_id == "lhdfsdkjfhsdlhfsdk"
    assert reply.data == {"CampaignID": 194, "RequestToken": "sjhjsbbjujjnjbjb"}


@pytest.mark.parametrize("data", [None, [], "text", 5])
def test_data_that_is_no_object_reads_as_empty(data):
    assert parse({**SUCCESS, "Data": data}).data == {}


def test_an_answer_without_data_reads_as_empty():
    assert parse({"StatusId": 1}).data == {}


def test_letter_case_and_numbers_as_text_do_not_matter():
    reply = parse({"STATUSID": "1", "statusdescription": "ok", "data": {"x": 1}})
    assert (reply.status_id, reply.status_description, reply.data) == (1, "ok", {"x": 1})


def test_a_byte_order_mark_does_not_matter():
    assert parse(b"\xef\xbb\xbf" + json.dumps(SUCCESS).encode()).status_id == 1


@pytest.mark.parametrize(
    ("status_id", "error", "safe"),
    [
        (-2, errors.InforuAuthenticationError, True),
        (-26, errors.InforuAuthenticationError, True),
        (-231, errors.InforuAuthenticationError, True),
        (-221, errors.InforuAccountError, True),
        (-222, errors.InforuAccountError, True),
        (-22, errors.InforuAccountError, True),
        (-2010, errors.InforuTooManyRecordsError, True),
        (-2011, errors.InforuTooManyRecordsError, True),
        (-429, errors.InforuRateLimitError, True),
        (-524, errors.InforuRateLimitError, True),
        (-13, errors.InforuQuotaError, True),
        (-14, errors.InforuQuotaError, True),
        (-15, errors.InforuQuotaError, True),
        (-2014, errors.InforuRequestTokenNotFoundError, True),
        (-2015, errors.InforuJobInProgressError, True),
        (-18, errors.InforuRejectedError, True),
        (-4711, errors.InforuRejectedError, True),
        (-1, errors.InforuOutcomeUnknownError, False),
        (0, errors.InforuOutcomeUnknownError, False),
        (2, errors.InforuOutcomeUnknownError, False),
    ],
)
@pytest.mark.parametrize("http_status", [200, 401, 403])
def test_each_status_raises_its_error_whatever_the_http_code(status_id, error, safe, http_status):
    with pytest.raises(errors.InforuError) as raised:
        parse({"StatusId": status_id}, http_status)
    assert type(raised.value) is error
    assert raised.value.safe_to_resend is safe


def test_an_error_carries_what_the_vendor_said():
    with pytest.raises(errors.InforuQuotaError) as raised:
        parse(
            {
                "StatusId": -13,
                "StatusDescription": "No quota",
                "DetailedDescription": "buy more",
                "RequestId": "abc",
            },
            403,
        )
    error = raised.value
    assert (error.status_id, error.http_status, error.function) == (-13, 403, "Voice/Message/Send")
    assert (error.description, error.detailed_description, error.request_id) == (
        "No quota",
        "buy more",
        "abc",
    )
    for fact in ("Voice/Message/Send", "HTTP 403", "-13: User quota exceeded", "No quota / buy more"):
        assert fact in str(error)


def test_no_error_shows_the_request_id_which_holds_account_data():
    with pytest.raises(errors.InforuRejectedError) as raised:
        parse({"StatusId": -18, "RequestId": "lhdfsdkjfhsdlhfsdk"})
    assert "lhdfsdkjfhsdlhfsdk" not in str(raised.value)


def test_an_error_hides_phones_and_secrets_that_the_vendor_repeats():
    with pytest.raises(errors.InforuRejectedError) as raised:
        parse(
            {
                "StatusId": -18,
                "StatusDescription": "bad phone 058-999-5551",
                "DetailedDescription": "for s3cr3t-token",
            },
            secrets=("s3cr3t-token",),
        )
    assert raised.value.description == "bad phone [phone hidden]"
    assert raised.value.detailed_description == "for ***"
    assert "5551" not in str(raised.value)


def test_http_429_is_the_rate_limit_even_without_an_envelope():
    with pytest.raises(errors.InforuRateLimitError) as raised:
        parse(b"slow down", 429, retry_after="7")
    assert (raised.value.status_id, raised.value.retry_after) == (None, "7")
    assert raised.value.safe_to_resend


@pytest.mark.parametrize("body", [b"<html>Unauthorized</html>", b"", b'{"StatusId": "soon"}'])
def test_http_401_without_a_status_is_an_authentication_error_that_proves_nothing(body):
    """The guide has 401 also for -1, a general failure."""
    with pytest.raises(errors.InforuAuthenticationError, match="without a StatusId") as raised:
        parse(body, 401)
    assert not raised.value.safe_to_resend


def test_a_description_in_another_encoding_does_not_hide_the_status():
    body = '{"StatusId": %s, "StatusDescription": "שגיאה"}'
    assert parse((body % 1).encode("cp1255")).status_id == 1
    with pytest.raises(errors.InforuOutcomeUnknownError):
        parse((body % -1).encode("cp1255"), 401)


def test_http_429_with_a_success_proves_nothing():
    with pytest.raises(errors.InforuOutcomeUnknownError):
        parse(SUCCESS, 429)


def test_an_error_can_cross_to_another_process():
    with pytest.raises(errors.InforuAuthenticationError) as raised:
        parse({"StatusId": -2, "StatusDescription": "no"}, 401)
    copy = pickle.loads(pickle.dumps(raised.value))  # noqa: S301 - our own bytes
    assert (type(copy), str(copy), copy.status_id) == (type(raised.value), str(raised.value), -2)
    assert copy.safe_to_resend


@pytest.mark.parametrize("http_status", [500, 502, 503, 504, 599])
@pytest.mark.parametrize("body", [b"", b"<html>", json.dumps(SUCCESS).encode(), b'{"StatusId": -13}'])
def test_a_server_error_proves_nothing_whatever_its_body_says(http_status, body):
    with pytest.raises(errors.InforuOutcomeUnknownError) as raised:
        parse(body, http_status)
    assert not raised.value.safe_to_resend


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"OK",
        b"null",
        b"[]",
        b"{}",
        b'{"StatusId": null}',
        b'{"StatusId": "x"}',
        b"\xff\xfe",
        b"[" * 9999,
    ],
)
def test_an_unreadable_success_proves_nothing(body):
    with pytest.raises(errors.InforuOutcomeUnknownError, match="unknown"):
        parse(body)


@pytest.mark.parametrize("http_status", [301, 302, 307, 403, 404])
def test_a_success_that_contradicts_the_http_code_proves_nothing(http_status):
    with pytest.raises(errors.InforuOutcomeUnknownError):
        parse(SUCCESS, http_status)


@given(st.binary(max_size=300), st.integers(100, 599))
def test_no_answer_raises_anything_but_our_errors(body, http_status):
    try:
        parse(body, http_status)
    except errors.InforuError as error:
        assert not error.safe_to_resend or isinstance(error, errors.InforuApiError)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(["StatusId", "statusid", "StatusDescription", "Data", "RequestId", "FunctionName"]),
        json_values,
    ),
    st.sampled_from([200, 401, 403, 500]),
)
def test_an_envelope_of_any_types_succeeds_only_with_status_1_and_http_2xx(envelope, http_status):
    try:
        reply = parse(envelope, http_status)
    except errors.InforuError:
        return
    assert http_status == 200
    assert reply.status_id == 1
    assert isinstance(reply.data, dict)


def test_body_authentication_stands_beside_data():
    body = json.loads(build_body({"List": []}, auth=("USER", "TOKEN")))
    assert body == {"Auth": {"Username": "USER", "Token": "TOKEN"}, "Data": {"List": []}}


def test_hebrew_travels_as_utf8():
    assert "שלום".encode() in build_body({"text": "שלום"})


@pytest.mark.parametrize("value", [object(), {1, 2}, float("nan"), "\ud800"])
def test_a_value_that_json_cannot_hold_is_refused(value):
    with pytest.raises(errors.InforuInputError, match="cannot be written as JSON"):
        build_body({"value": value})


def test_header_authentication_is_base64_of_user_and_token_in_utf8():
    assert basic_authorization("USER", "TOKEN") == "Basic VVNFUjpUT0tFTg=="
    assert basic_authorization("דנה", "t") == "Basic 15PXoNeUOnQ="


def test_the_address_ends_in_json_for_body_authentication_only():
    assert build_url("https://h/", "/Voice/Message/Send", "header") == "https://h/api/v2/Voice/Message/Send"
    assert build_url("https://h", "Voice/Message/Send", "body") == "https://h/api/v2/Voice/Message/Send?json="


def test_a_field_is_found_in_any_case_but_its_own_spelling_wins():
    assert get_field({"CampaignId": 1}, "CampaignID") == 1
    assert get_field({"campaignid": 1, "CampaignID": 2}, "CampaignID") == 2
    assert get_field({}, "CampaignID") is None


@pytest.mark.parametrize(
    ("value", "number"),
    [
        *((5, 5), ("5", 5), (" -2 ", -2), (5.0, 5), (5.5, None), (True, None), (None, None), ("", None)),
        *((float("inf"), None), (float("nan"), None), ("5.5", None), ("-1.0", -1), ([], None)),
    ],
)
def test_an_int_is_read_from_int_text_or_whole_float(value, number):
    assert as_int(value) == number


@pytest.mark.parametrize(
    ("value", "text"), [("a", "a"), (5, "5"), ("", None), (None, None), ([], None), (True, None)]
)
def test_text_is_read_from_text_or_number(value, text):
    assert as_text(value) == text


def test_http_429_with_a_general_failure_proves_nothing():
    with pytest.raises(errors.InforuOutcomeUnknownError):
        parse({"StatusId": -1}, 429)


@pytest.mark.parametrize(
    "body",
    [
        b'{"StatusId": 1, "StatusId": -429}',
        b'{"StatusId": -429, "statusId": 1}',
        b'{"StatusId": 1, "STATUSID": "-18"}',
    ],
)
def test_statusids_that_contradict_each_other_prove_nothing(body):
    with pytest.raises(errors.InforuOutcomeUnknownError, match="no readable StatusId"):
        parse(body)


def test_a_web_page_points_to_another_server():
    message = (
        "HTTP 200 and a web page, so another server than Inforu may have answered. It is unknown whether"
    )
    with pytest.raises(errors.InforuOutcomeUnknownError, match=message):
        parse(b" \r\n<!DOCTYPE html><html>")


def test_a_repeated_statusid_counts_once():
    assert parse(b'{"StatusId": 1, "StatusId": 1, "Data": {}}').status_id == 1


@pytest.mark.parametrize(("function", "warns"), [("Voice/Message/Send", True), ("Admin/GetQuota", False)])
def test_only_a_function_that_may_have_called_somebody_sends_the_reader_to_the_campaigns(function, warns):
    with pytest.raises(errors.InforuOutcomeUnknownError) as raised:
        parse_reply(b"<html>", http_status=405, function=function)
    assert ("Check the campaigns" in str(raised.value)) is warns
