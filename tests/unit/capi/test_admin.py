from airflow_provider_inforu.capi.admin import Quota, quota_data, read_quota
from airflow_provider_inforu.capi.envelope import Reply


def read(data):
    return read_quota(Reply(1, "", "", "", None, data, 200))


def test_the_voice_quota_is_asked_for_by_default():
    assert quota_data() == {"QuotaUsageType": "IVR", "Level": "User", "LevelValue": ""}


def test_quota_rows_are_read_whatever_their_types():
    rows = read(
        {
            "List": [
                {
                    "QuotaUsageType": "IVR",
                    "QuotaType": "Packages",
                    "RemainingQuota": "250",
                    "WarningLevel": 10,
                },
                {"quotausagetype": "SMS", "QuotaType": "Unlimited"},
                None,
            ]
        }
    )
    assert rows == [Quota("IVR", "Packages", 250, 10), Quota("SMS", "Unlimited", None, None)]
    assert [str(row) for row in rows] == ["IVR: 250 left (Packages)", "SMS: unlimited"]


def test_a_quota_without_a_number_says_so():
    assert str(Quota("IVR", "", None, None)) == "IVR: an unknown number left (kind not given)"


def test_an_answer_without_rows_is_empty():
    assert read({}) == []
    assert read({"List": None}) == []
