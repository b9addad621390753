"""What the first pages show: code that works, links that lead somewhere, and options that exist."""

import re
import runpy
from importlib import import_module
from pathlib import Path

import pytest

from airflow_provider_inforu.get_provider_info import get_provider_info
from docs.argument_tables import build_table
from docs.fill_pages import fill_page, list_pages

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
GETTING_STARTED = ROOT / "docs" / "getting-started.md"
PAGES = [README, GETTING_STARTED, ROOT / "docs" / "failures.md"]
OPTIONS = get_provider_info()["config"]["inforu"]["options"]


def read_python(page: Path) -> str:
    """Return the only Python block of a page."""
    (code,) = re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return code


def read_anchors(page: Path) -> set[str]:
    """Return what a link can name on a page: its headings, in the form of the web page and of Sphinx."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#{1,3} (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_first_dag_is_the_same_on_both_pages():
    assert read_python(GETTING_STARTED) == read_python(README)


def test_the_first_dag_sends_to_the_people_of_its_upstream_task(tmp_path):
    file = tmp_path / "reminders.py"
    file.write_text(read_python(GETTING_STARTED), "utf-8")
    dag = runpy.run_path(str(file))["reminders"]()

    call = dag.get_task("call")
    row = dag.get_task("people").python_callable()[0]
    assert call.upstream_task_ids == {"people"}
    assert call.key_field in row
    assert call.message.format_map(row)


@pytest.mark.parametrize("page", list_pages(), ids=lambda page: page.name)
def test_each_link_leads_to_a_file_and_a_heading(page):
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    for file, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", text):
        target = page.parent / file if file else page
        assert target.is_file(), file
        if anchor:
            assert anchor in read_anchors(target), f"{file}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_option_exists(page):
    named = set(re.findall(r"\[inforu\] (\w+)", page.read_text("utf-8")))
    assert named
    assert named <= set(OPTIONS)


@pytest.mark.parametrize("page", list_pages(), ids=lambda page: page.name)
def test_code_is_visible_without_a_build(page):
    assert "literalinclude" not in page.read_text("utf-8")


@pytest.mark.parametrize("page", list_pages(), ids=lambda page: page.name)
def test_code_and_tables_equal_their_sources(page):
    text = page.read_text("utf-8")
    assert fill_page(text) == text, "run `make pages`"


def test_the_first_page_explains_the_terms():
    terms = [
        "recipient",
        "key",
        "batch",
        "request",
        "accepted",
        "rejected",
        "in doubt",
        "skipped",
        "ledger",
        "receiver",
        "campaign",
        "manifest",
        "send",
    ]
    assert set(terms) <= read_words(GETTING_STARTED).keys()


def read_words(page: Path) -> dict[str, str]:
    """Return the words that a page explains, each with its meaning."""
    _, _, table = page.read_text("utf-8").partition("| word | meaning |\n|---|---|\n")
    return dict(re.findall(r"^\| ([\w ]+) \| (.+) \|$", table.partition("\n\n")[0], re.MULTILINE))


def test_a_word_means_the_same_on_both_pages():
    words = read_words(ROOT / "docs" / "failures.md")
    assert words
    assert words.items() <= read_words(GETTING_STARTED).items()


@pytest.mark.parametrize("page", list_pages(), ids=lambda page: page.name)
def test_each_row_of_a_table_has_as_many_cells_as_its_head(page):
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}) == 1, table[:100]


def test_a_page_gets_the_code_between_the_marks_of_an_example():
    comment = "<!-- from example_dags/alerts.py: howto_decision -->\n"
    code = 'approve = ApprovalOperator(\n    task_id="approve",'
    assert f"{comment}```python\n{code}" in fill_page(f"Text\n{comment}```python\nold\n```\nText\n")


def test_a_mark_that_an_example_lacks_is_an_error():
    page = "<!-- from example_dags/alerts.py: howto_x -->\n```python\n```\n"
    with pytest.raises(LookupError, match="howto_x"):
        fill_page(page)


def test_an_argument_without_a_description_is_an_error():
    with pytest.raises(LookupError, match="args"):
        build_table("tests.unit.test_docs.take_args")


def take_args(args):
    """Describe nothing."""


@pytest.mark.parametrize(
    "module",
    ["operators.voice", "transfers.sql_to_voice", "sensors.voice", "triggers.events", "notifications.voice"],
)
def test_the_reference_has_each_class_that_a_dag_file_imports(module):
    page = (ROOT / "docs" / "reference.md").read_text("utf-8")
    names = [
        name
        for name, value in vars(import_module(f"airflow_provider_inforu.{module}")).items()
        if not name.startswith("_") and isinstance(value, type) and value.__module__.endswith(f".{module}")
    ]
    assert names
    assert [name for name in names if f"`{name}`" not in page and f".{name}`" not in page] == []
