"""What an error means to the person who filled in the connection form."""

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
    """Return a text without the id of a connection: the one that the Test button gives it is random.

    :param text: Of a connection test.
    :param conn_id: The id.
    """
    text = re.sub(f"the connection {re.escape(repr(conn_id))}", "this connection", text, flags=re.IGNORECASE)
    return capitalize(text)


def capitalize(text: object) -> str:
    """Return a text with a capital at its beginning.

    :param text: A text, or an error with one.
    """
    return str(text)[:1].upper() + str(text)[1:]


def advise(error: InforuError) -> str:
    """Return what to do about an error of a connection test, and the error itself."""
    advice = advice_on(error)
    return f"{advice} ({error})" if advice else str(error)


def advice_on(error: InforuError) -> str:
    """Return what a person should look at; nothing where the error itself says it.

    :param error: Of a request.
    """
    if isinstance(error, InforuOutcomeUnknownError):
        return _advice_on_unknown(error)
    if isinstance(error, InforuAuthenticationError):
        if error.status_id == StatusId.WRONG_TOKEN_TYPE:
            return "This kind of token does not go with Basic authentication: use the account's API token."
        return (
            "User name or API token is wrong, or this machine's address is not allowed for the user: the "
            "vendor answers both alike. Check both, then the address list in the Inforu portal."
        )
    for kind, advice in (
        (
            InforuAccountError,
            "The user is not active, locked out or blocked: it must be released in the Inforu portal.",
        ),
        (InforuConnectionError, "Check API address and Proxy, and that this machine may reach it."),
        (InforuRateLimitError, "The account makes too many requests at the moment: try again in a minute."),
        (InforuApiError, "The vendor knows the user but refused to tell the quota."),
    ):
        if isinstance(error, kind):
            return advice
    return ""


def advice_on_sending(error: InforuError) -> str:
    """Return what to look at after a send, where the account or the way to the vendor is the reason.

    :param error: Of a request that was to call somebody.
    """
    ours = InforuAuthenticationError | InforuAccountError | InforuConnectionError
    return advice_on(error) if isinstance(error, ours) else ""


def how_to_add(conn_id: str) -> str:
    """Return what to do where there is no such connection.

    :param conn_id: Its id.
    """
    return f"add it with `airflow connections add {conn_id} --conn-type inforu …`"


def _advice_on_unknown(error: InforuOutcomeUnknownError) -> str:
    if error.http_status is None:
        return (
            "The address can be reached but did not answer: check API address and Proxy, or try again later."
        )
    if error.http_status >= 500 or error.http_status == StatusId.GENERAL_FAILURE.http_status:
        return "The address answered that it failed: try again later."
    return "Something answered that does not speak the Inforu API: check API address and Proxy."
