import pytest

from airflow_provider_inforu.capi.envelope import Reply
from airflow_provider_inforu.capi.errors import InforuInputError
from airflow_provider_inforu.capi.voice import (
    Call,
    SendReceipt,
    existing_campaign_data,
    read_receipt,
    text_to_speech_data,
)

CALL = Call(phone="0589995551", text="Hello World", message_id="9865998888")


def reply(data):
    return Reply(1, "", "", "", "r1", data, 200)


def test_text_to_speech_is_the_guides_example():
    assert text_to_speech_data([CALL]) == {
        "List": [{"TextToSpeech": "Hello World", "Phone": "0589995551", "CustomerMessageID": "9865998888"}]
    }


def test_an_existing_campaign_is_the_guides_example():
    assert existing_campaign_data(183, [Call(phone="0589995551", message_id="9865998888")]) == {
        "CampaignId": "183",
        "List": [{"Phone": "0589995551", "CustomerMessageID": "9865998888"}],
    }


def test_optional_parameters_stand_beside_the_list():
    data = text_to_speech_data(
        [CALL], campaign_name="Reminders", campaign_ref_id="r1", ignore_possible_sending_time=False
    )
    del data["List"]
    assert data == {"CampaignName": "Reminders", "CampaignRefId": "r1", "IgnorePossibleSendingTime": False}
    data = existing_campaign_data("5", [Call(phone="0589995551")], duplicate=True, duplicate_name="Copy")
    assert data == {
        "CampaignId": "5",
        "Duplicate": True,
        "DuplicateName": "Copy",
        "List": [{"Phone": "0589995551"}],
    }


def test_options_that_have_no_argument_are_passed_through():
    data = text_to_speech_data([CALL], data_options={"Priority": 1}, call_options={"Language": "he-female"})
    assert data["Priority"] == 1
    assert data["List"][0]["Language"] == "he-female"


@pytest.mark.parametrize("options", [{"data_options": {"list": []}}, {"call_options": {"PHONE": "1"}}])
def test_options_cannot_overwrite_what_the_provider_sets(options):
    with pytest.raises(InforuInputError, match="may not set"):
        text_to_speech_data([CALL], **options)


@pytest.mark.parametrize("count", [0, 101])
def test_a_request_takes_1_to_100_calls(count):
    with pytest.raises(InforuInputError, match=f"this one has {count}"):
        text_to_speech_data([CALL] * count)


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (Call(phone="", text="x", message_id="s-7"), r"call 1 \(s-7\) has no phone"),
        (Call(phone="0589995551", text=" "), "call 1 has no text"),
    ],
)
def test_a_call_that_cannot_be_made_is_named_by_its_message_id(call, reason):
    with pytest.raises(InforuInputError, match=reason):
        text_to_speech_data([call])


def test_an_existing_campaign_takes_no_text():
    with pytest.raises(InforuInputError, match=r"call 1 .*has a text"):
        existing_campaign_data("5", [CALL])


@pytest.mark.parametrize("campaign_id", ["", "  "])
def test_an_existing_campaign_needs_its_id(campaign_id):
    with pytest.raises(InforuInputError, match="campaign_id is empty"):
        existing_campaign_data(campaign_id, [Call(phone="0589995551")])


def test_the_receipt_of_the_guides_answer_is_read():
    receipt = read_receipt(reply({"CampaignID": 194, "RequestToken": "sjhjsbbjujjnjbjb"}), 3)
    assert receipt == SendReceipt(194, "sjhjsbbjujjnjbjb", "r1", 3)


def test_a_receipt_is_read_from_other_spellings_and_types():
    receipt = read_receipt(reply({"campaignId": "194", "requestToken": 77}), 1)
    assert (receipt.campaign_id, receipt.request_token) == (194, "77")


@pytest.mark.parametrize("written", [0, -1, "0", "-1"])
def test_a_number_that_no_campaign_has_is_no_id(written):
    assert read_receipt(reply({"CampaignID": written}), 1).campaign_id is None


def test_an_accepted_request_without_a_receipt_is_still_accepted():
    assert read_receipt(reply({}), 2) == SendReceipt(None, None, "r1", 2)


def test_the_repr_of_a_call_shows_neither_phone_nor_text():
    assert repr(CALL) == "Call(message_id='9865998888')"


def test_a_phone_in_the_place_of_a_message_id_is_not_shown():
    with pytest.raises(InforuInputError, match="call 1") as raised:
        text_to_speech_data([Call(phone="0500000001", text=None, message_id="0500000001")])
    assert "0500000001" not in str(raised.value)
