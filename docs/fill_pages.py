"""Copy code and reference tables into the Markdown pages: ``make pages``.

The pages are also read where nothing is built. So they hold the text itself, and a comment above it says
where the text comes from:

- ``<!-- from example_dags/alerts.py: howto_alerts -->``: the code between the marks ``[START howto_alerts]``
  and ``[END howto_alerts]``. The code block below the comment is replaced.
- ``<!-- arguments of package.module.Name -->``: the arguments of a class, a method or a function, from its
  signature and docstring. The table below the comment is replaced.
"""

from __future__ import annotations

import inspect
import json
import pkgutil
import re
import textwrap
from collections.abc import Callable, Iterator
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args, get_origin

ROOT = Path(__file__).parents[1]
CODE = re.compile(
    r"(<!-- from (?P<file>\S+): (?P<mark>\w+) -->\n)```python\n.*?^```\n", re.DOTALL | re.MULTILINE
)
TABLE = re.compile(r"(<!-- arguments of (?P<name>[\w.]+) -->\n)\n(?:\|.*\n)*")
FIELD = re.compile(r"^:(param|return|raises)\b *(\w*): *(.*?)(?=^:|\Z)", re.DOTALL | re.MULTILINE)
LITERALS = (
    "airflow_provider_inforu.sending.choices",
    "airflow_provider_inforu.notifications.sentences",
    "airflow_provider_inforu.outcomes.awaited",
    "airflow_provider_inforu.outcomes.sources",
)
"""Modules with named choices, which a table lists instead of the name."""
# Their defaults come from Airflow's configuration, not from the machine that fills the pages.
CONFIGURED = {"deferrable": "`[operators] default_deferrable`"}


class Argument(NamedTuple):
    """A row of a table."""

    name: str
    type: str
    default: str
    text: str


def list_pages() -> list[Path]:
    """Return the pages that are read without a build."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def fill_page(text: str) -> str:
    """Return a page whose code blocks and tables equal their sources.

    :param text: The page.
    :raises LookupError: A file lacks a mark, or a name has arguments without a description.
    """
    filled = CODE.sub(lambda found: found[1] + _read_example(found["file"], found["mark"]), text)
    return TABLE.sub(lambda found: f"{found[1]}\n{_build_table(found['name'])}", filled)


def _read_example(file: str, mark: str) -> str:
    source = (ROOT / file).read_text("utf-8")
    found = re.search(rf"^ *# \[START {mark}\]\n(.*?)^ *# \[END {mark}\]", source, re.DOTALL | re.MULTILINE)
    if found is None:
        raise LookupError(f"{file} has no marks [START {mark}] and [END {mark}]")
    other_marks = re.compile(r"^ *# \[(?:START|END) \w+\]\n", re.MULTILINE)
    return f"```python\n{textwrap.dedent(other_marks.sub('', found[1])).strip()}\n```\n"


def _build_table(name: str) -> str:
    lines = ["| argument | type | default | what it does |", "|---|---|---|---|"]
    lines += [f"| `{row.name}` | {row.type} | {row.default} | {row.text} |" for row in read_arguments(name)]
    return "\n".join(lines) + "\n"


def read_arguments(name: str) -> Iterator[Argument]:
    """Yield the arguments that a class, a method or a function takes itself.

    :param name: Its full name.
    :raises LookupError: An argument has no description.
    """
    found = pkgutil.resolve_name(name)
    texts = {
        field: text for kind, field, text in FIELD.findall(inspect.getdoc(found) or "") if kind == "param"
    }
    for parameter in _list_parameters(found):
        if parameter.name not in texts:
            raise LookupError(f"the docstring of {name} does not describe {parameter.name}")
        yield Argument(
            parameter.name,
            _format_type(parameter.annotation),
            _format_default(parameter),
            _format_text(texts[parameter.name]),
        )


def _list_parameters(found: Callable[..., Any]) -> list[inspect.Parameter]:
    function = found.__init__ if inspect.isclass(found) else found  # type: ignore[misc]
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    parameters = inspect.signature(function).parameters.values()
    return [one for one in parameters if one.kind in named and one.name != "self"]


def _format_type(annotation: str) -> str:
    for name, choices in _read_literals().items():
        annotation = re.sub(rf"\b{name}\b", choices, annotation)
    return f"`{annotation}`".replace("|", r"\|")


def _read_literals() -> dict[str, str]:
    found = {}
    for module in LITERALS:
        for name, value in vars(import_module(module)).items():
            if get_origin(value) is Literal:
                found[name] = " | ".join(json.dumps(choice) for choice in get_args(value))
    return found


def _format_default(parameter: inspect.Parameter) -> str:
    default = parameter.default
    if parameter.name in CONFIGURED:
        return CONFIGURED[parameter.name]
    if default is parameter.empty or type(default).__module__.startswith("airflow_provider_inforu"):
        return "required"
    if isinstance(default, timedelta):
        return f"{default.total_seconds():g} seconds"
    return f"`{json.dumps(default) if isinstance(default, str) else default!r}`"


def _format_text(text: str) -> str:
    one_line = " ".join(text.split()).replace("``", "`").replace("|", r"\|")
    return one_line[:1].upper() + one_line[1:]


def main() -> None:
    """Rewrite the pages, and name those that changed."""
    for page in list_pages():
        text = page.read_text("utf-8")
        filled = fill_page(text)
        if filled != text:
            page.write_text(filled, "utf-8")
            print(page.relative_to(ROOT))  # noqa: T201 - what the command is for


if __name__ == "__main__":
    main()
