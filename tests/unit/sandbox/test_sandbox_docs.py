"""The sandbox's page of the docs says what the code does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import pytest

from airflow_provider_inforu.sandbox.call_endings import MAGIC_PHONES
from airflow_provider_inforu.sandbox.faults import Fault, Kind
from airflow_provider_inforu.sandbox.sandbox_settings import Settings
from airflow_provider_inforu.sandbox.vendor_facts import facts_as_markdown

DOCS = (Path(__file__).parents[3] / "docs" / "sandbox.md").read_text()


def test_the_docs_hold_the_table_of_documented_and_assumed_behaviour():
    assert facts_as_markdown() in DOCS


@pytest.mark.parametrize("magic", MAGIC_PHONES)
def test_the_docs_hold_the_magic_phones(magic):
    assert f"| …{magic.last_digits} | {magic.meaning} |" in DOCS


@pytest.mark.parametrize("name", [*get_args(Kind), *Fault.model_fields])
def test_the_docs_name_every_fault_and_parameter(name):
    assert f"`{name}`" in DOCS


@pytest.mark.parametrize(("name", "field"), Settings.model_fields.items())
def test_the_docs_name_every_setting_with_its_default(name, field):
    assert f"| `{name}` | {json.dumps(field.default)} |" in DOCS
