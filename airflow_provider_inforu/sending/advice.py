"""Advice on errors of requests, in the terms of the connection form."""

from __future__ import annotations

import re

from airflow_provider_inforu.capi.errors import (
    InforuAccountError,
    InforuApiError,
    InforuAuthenticationError,
    InforuConnectionError,
    InforuError,
    InforuOutcomeUnknownError,
    InforuRateLimitError,
)
from airflow_provider_inforu.capi.statuses import StatusId


def call_it_this_connection(text: str, conn_id: str) -> str:
    """Return a text with "this connection" for the ID, because the Test button uses a random ID.

    :param text: The message of a connection test.
    :param conn_id: The ID of the connection.
    """
    text = re.sub(f"the connection {re.escape(repr(conn_id))}", "this connection", text, flags=re.IGNORECASE)
    return capitalize(text)


def capitalize(text: object) -> str:
    """Return a text with a capital first letter.

    :param text: A text or an error.
    """
    return str(text)[:1].upper() + str(text)[1:]


def advise(error: InforuError) -> str:
    """Return the advice on an error of a connection test, followed by the error."""
    advice = advice_on(error)
    return f"{advice} ({error})" if advice else str(error)


def advice_on(error: InforuError) -> str:
    """Return what to check after an error; empty if the error itself contains the advice.

    :param error: The error of a request.
    """
    if isinstance(error, InforuOutcomeUnknownError):
        return _advice_on_unknown(error)
    if isinstance(error, InforuAuthenticationError):
        if error.status_id == StatusId.WRONG_TOKEN_TYPE:
            return "Inforu does not accept this kind of token. Use the API token of the user."
        return (
            "The user name or API token is wrong, or Inforu does not allow this machine's IP address: the "
            "response is the same. Check both, then the list of IP addresses in the Inforu portal."
        )
    for kind, advice in (
        (
            InforuAccountError,
            "The user is inactive, locked out or blocked. Unlock the user in the Inforu portal.",
        ),
        (
            InforuConnectionError,
            "Check the fields API address and Proxy, and that this machine can reach this address.",
        ),
        (InforuRateLimitError, "The account sends too many requests. Try again in a minute."),
        (InforuApiError, "Inforu accepted the user, but refused to return the quota."),
    ):
        if isinstance(error, kind):
            return advice
    return ""


def advice_on_sending(error: InforuError) -> str:
    """Return what to check after a failed send if the account or the network is the cause; otherwise empty.

    :param error: The error of a request that places calls.
    """
    ours = InforuAuthenticationError | InforuAccountError | InforuConnectionError
    return advice_on(error) if isinstance(error, ours) else ""


def how_to_add(conn_id: str) -> str:
    """Return how to add a missing connection.

    :param conn_id: The ID of the connection.
    """
    return f"add it with `airflow connections add {conn_id} --conn-type inforu …`"


def _advice_on_unknown(error: InforuOutcomeUnknownError) -> str:
    if error.http_status is None:
        return (
            "The address is reachable but sent no response. Check the fields API address and Proxy, or try "
            "again later."
        )
    if error.http_status >= 500 or error.http_status == StatusId.GENERAL_FAILURE.http_status:
        return "The server reported a failure. Try again later."
    return "The response is not from the Inforu API. Check the fields API address and Proxy."
