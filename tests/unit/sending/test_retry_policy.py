import pytest

from airflow_provider_inforu.capi import errors
from airflow_provider_inforu.sending.retry_policy import (
    Backoff,
    RetryDecision,
    classify_error,
    read_retry_after,
)

NOW = 1_795_000_000.0


def api(kind, retry_after=None, *, safe=True):
    error = kind(status_id=-1, http_status=403, retry_after=retry_after)
    error.safe_to_resend = safe
    return error


@pytest.mark.parametrize(
    ("error", "decision"),
    [
        (api(errors.InforuRejectedError), RetryDecision.REJECTED),
        (api(errors.InforuTooManyRecordsError), RetryDecision.REJECTED),
        (api(errors.InforuRateLimitError), RetryDecision.WAIT),
        (api(errors.InforuJobInProgressError), RetryDecision.WAIT),
        (errors.InforuConnectionError("refused"), RetryDecision.WAIT),
        (api(errors.InforuAuthenticationError), RetryDecision.STOP),
        (api(errors.InforuAccountError), RetryDecision.STOP),
        (api(errors.InforuQuotaError), RetryDecision.STOP),
        (api(errors.InforuRequestTokenNotFoundError), RetryDecision.STOP),
        (errors.InforuInputError("bad"), RetryDecision.STOP),
        (errors.InforuOutcomeUnknownError("reset"), RetryDecision.IN_DOUBT),
        (api(errors.InforuAuthenticationError, safe=False), RetryDecision.IN_DOUBT),
    ],
)
def test_each_error_means_one_thing(error, decision):
    assert classify_error(error) is decision


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        *(("7", 7.0), (" 0 ", 0.0), (None, None), ("", None), ("-1", None), ("soon", None), ("1.5", None)),
        ("Wed, 18 Nov 2026 03:06:50 GMT", 10.0),
        ("Wed, 18 Nov 1998 03:06:50 GMT", 0.0),
        ("Wed, 99 Nov 2026 03:06:50 GMT", None),
    ],
)
def test_a_retry_after_is_seconds_or_a_date(header, seconds):
    epoch = 1_794_971_200.0  # Wed, 18 Nov 2026 03:06:40 GMT
    assert read_retry_after(header, epoch) == seconds


def test_without_a_retry_after_the_wait_doubles_up_to_a_limit():
    backoff = Backoff(first=1.0, longest=10.0)
    error = errors.InforuConnectionError("refused")
    assert [backoff.seconds(error, failures, NOW) for failures in (1, 2, 3, 4, 5, 99)] == [1, 2, 4, 8, 10, 10]


def test_an_absurd_retry_after_is_a_reason_to_stop():
    assert Backoff().seconds(api(errors.InforuRateLimitError, "300"), 1, NOW) == 300
    assert Backoff().seconds(api(errors.InforuRateLimitError, "301"), 1, NOW) is None
