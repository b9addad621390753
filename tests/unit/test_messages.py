"""What the list of messages finds, and what holds for each message of the package."""

import ast
import re
from pathlib import Path

import pytest

from docs.list_messages import GROUPS, list_messages
from docs.message_texts import LEFT_OUT

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "airflow_provider_inforu"
MESSAGES = list_messages()
SECRETS = {"phone", "token", "secret", "password"}
NO_CALLS = re.compile(r"\bno (?:new )?calls were placed\b", re.IGNORECASE)


def read_frequent_errors() -> list[str]:
    """Return the starts of messages that the page about errors explains."""
    page = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
    _, _, table = page.partition("| what you see | what it means | what to do |\n|---|---|---|\n")
    return [
        re.fullmatch(r"\| (`+) ?(.*?) ?\1 \|.*", row)[2] for row in table.partition("\n\n")[0].splitlines()
    ]


def list_texts(tree: ast.Module) -> list[str]:
    """Return the texts of a module that are not docstrings."""
    statements = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    constants = (node for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return [node.value for node in constants if isinstance(node.value, str) and id(node) not in statements]


@pytest.mark.parametrize("group", GROUPS)
def test_the_list_finds_messages_of_each_group(group):
    assert len([message for message in MESSAGES if message.group == group]) >= 10


@pytest.mark.parametrize(
    ("text", "kind", "module"),
    [
        ("`limit` must be a whole number from 1, not {value}", "InforuInputError", "operators.arguments"),
        ("The connection {inforu_conn_id} is missing", "ConnectionNotFoundError", "hooks.loading"),
        ("the phone is missing", "InvalidPhoneError", "capi.phones"),
        ("Send {send_id} stopped", "SendStoppedError", "sending.send_runner"),
        ("Nobody was called: this task had already sent", "log WARNING", "sending.earlier_send"),
        ("the secret is wrong", "HTTPException", "receiver.authenticator"),
    ],
)
def test_a_message_has_its_class_and_its_module(text, kind, module):
    found = [message for message in MESSAGES if message.module == module and message.kind == kind]
    assert [message for message in found if message.text.startswith(text)]


def test_a_constant_of_another_module_is_shown_as_its_text():
    (message,) = [message for message in MESSAGES if message.text.startswith("`key_field` names the field")]
    assert "No new calls were placed" in message.text
    assert "no_new_calls" not in {name.casefold() for name in message.placeholders}


def test_the_list_leaves_out_the_errors_of_the_imitated_vendor():
    assert [message for message in MESSAGES if message.module.split(".")[0] in LEFT_OUT] == []


def test_only_one_module_writes_that_no_calls_were_placed():
    files = {file.relative_to(PACKAGE).as_posix(): file.read_text("utf-8") for file in PACKAGE.rglob("*.py")}
    by_hand = {name for name, code in files.items() if any(map(NO_CALLS.search, list_texts(ast.parse(code))))}
    assert by_hand == {"capi/errors.py"}


def test_no_message_shows_a_phone_or_a_secret():
    assert [message for message in MESSAGES if SECRETS & set(message.placeholders)] == []


def test_each_frequent_error_quotes_a_message_of_the_package():
    missing = []
    for start in read_frequent_errors():
        words = re.compile(".*".join(map(re.escape, re.split(r" ?… ?", start))), re.IGNORECASE)
        if not any(map(words.search, (message.text for message in MESSAGES))):
            missing.append(start)
    assert missing == []
