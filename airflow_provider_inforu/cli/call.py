"""``airflow inforu call``: one call, now, by text-to-speech."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from airflow_provider_inforu.capi.errors import InforuError, InforuInputError
from airflow_provider_inforu.capi.phones import normalize_phone
from airflow_provider_inforu.capi.redact import hide_phones
from airflow_provider_inforu.capi.voice import Call
from airflow_provider_inforu.cli.connections import LocalHook
from airflow_provider_inforu.cli.errors import (
    CommandError,
    NotKnownError,
    UsageError,
    ends_with_one_line,
    say,
)
from airflow_provider_inforu.cli.terminal import confirm, print_json
from airflow_provider_inforu.hooks.advice import advice_on_sending

if TYPE_CHECKING:
    from argparse import Namespace

    from airflow_provider_inforu.capi.voice import SendReceipt

_SHOWN_DIGITS = 2
LOOK_FIRST = "look at the campaigns in the Inforu portal before you call again"


@ends_with_one_line("nobody was called")
def call(args: Namespace) -> None:
    """Call one phone and read a text to whoever answers.

    :param args: phone, text, conn_id, yes, output.
    """
    phone, text = _read_phone(args.phone), args.text.strip()
    if not text:
        raise UsageError("the text is empty: nobody was called")
    hook = LocalHook(args.conn_id)
    settings = hook.settings  # read before the question, so that nobody agrees in vain
    shown = f"the phone that ends in {phone[-_SHOWN_DIGITS:]}"
    confirm(
        f"Through {args.conn_id} ({settings.username} at {settings.base_url}), {shown} will ring now, "
        f"and whoever answers hears:\n  {hide_phones(text)}",
        ask="Call?",
        otherwise="nobody was called",
        yes=args.yes,
    )
    send_id = secrets.token_hex(8)
    try:
        receipt = _send(hook, Call(phone, text, f"{send_id}-1"))
    except CommandError as error:
        if args.output == "json":
            outcome = "not_known" if isinstance(error, NotKnownError) else "not_called"
            print_json({"outcome": outcome, "send_id": send_id, "reason": str(error)})
        raise
    if args.output == "json":
        print_json(
            {
                "outcome": "accepted",
                "send_id": send_id,
                "campaign_id": receipt.campaign_id,
                "request_token": receipt.request_token,
            }
        )
        return
    campaign = "" if receipt.campaign_id is None else f", campaign {receipt.campaign_id}"
    say(
        f"Accepted: Inforu calls {shown} (send {send_id}{campaign}).\n"
        "Whether somebody answers is not known yet: the portal shows it, and the receiver where there is one."
    )


def _read_phone(raw: str) -> str:
    try:
        return normalize_phone(raw)
    except InforuInputError as error:
        raise UsageError(f"{error}: nobody was called") from None


def _send(hook: LocalHook, one: Call) -> SendReceipt:
    """Make the request, and turn what goes wrong into what it means for the person who is called.

    :raises CommandError: Nobody is called.
    :raises NotKnownError: Perhaps somebody is.
    """
    try:
        return hook.send_text_to_speech([one])
    except InforuError as error:
        if not error.safe_to_resend:
            raise NotKnownError(f"not known whether it rings: {error}; {LOOK_FIRST}") from None
        advice = advice_on_sending(error)
        raise CommandError(f"nobody was called: {error}{f'. {advice}' if advice else ''}") from None
    except KeyboardInterrupt:
        raise NotKnownError(
            f"not known whether it rings: stopped while the request was under way; {LOOK_FIRST}"
        ) from None
    except Exception as error:
        raise NotKnownError(
            f"not known whether it rings: {type(error).__name__} while the request was under way; "
            f"{LOOK_FIRST}"
        ) from None
