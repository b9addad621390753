"""Copy code and reference tables into the Markdown pages: ``make pages``.

The pages are also read where nothing is built. So they hold the text itself, and a comment above it says
where the text comes from:

- ``<!-- from example_dags/alerts.py: howto_alerts -->``: the code between the marks ``[START howto_alerts]``
  and ``[END howto_alerts]``. The code block below the comment is replaced.
- ``<!-- arguments of package.module.Name -->``: the arguments of a class, a method or a function, from its
  signature and docstring. The table below the comment is replaced.
- ``<!-- reference of package.module -->``: everything public in a module, or one class or function. The text
  up to ``<!-- end of reference -->`` is replaced.
- ``<!-- messages of the package -->``: all messages of the package, from its code. The text up to
  ``<!-- end of messages -->`` is replaced.
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

from docs.argument_tables import build_table
from docs.library_reference import build_reference
from docs.list_messages import build_list

ROOT = Path(__file__).parents[1]
CODE = re.compile(
    r"(<!-- from (?P<file>\S+): (?P<mark>\w+) -->\n)```python\n.*?^```\n", re.DOTALL | re.MULTILINE
)
TABLE = re.compile(r"(<!-- arguments of (?P<name>[\w.]+) -->\n)\n*(?:\|.*\n)*\n*")
REFERENCE = re.compile(
    r"(<!-- reference of (?P<name>[\w.]+) -->\n).*?^(<!-- end of reference -->\n)", re.DOTALL | re.MULTILINE
)
MESSAGES = re.compile(
    r"(<!-- messages of the package -->\n).*?^(<!-- end of messages -->\n)", re.DOTALL | re.MULTILINE
)


def list_pages() -> list[Path]:
    """Return the pages that are read without a build."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def fill_page(text: str) -> str:
    """Return a page whose code blocks and tables equal their sources.

    :param text: The page.
    :raises LookupError: A file lacks a mark, or a name has arguments without a description.
    """
    filled = CODE.sub(lambda found: found[1] + _read_example(found["file"], found["mark"]), text)
    filled = TABLE.sub(lambda found: f"{found[1]}\n{build_table(found['name'])}\n", filled)
    filled = REFERENCE.sub(
        lambda found: f"{found[1]}\n{build_reference(found['name']).rstrip()}\n\n{found[3]}", filled
    )
    return MESSAGES.sub(lambda found: f"{found[1]}\n{build_list().rstrip()}\n\n{found[2]}", filled)


def _read_example(file: str, mark: str) -> str:
    source = (ROOT / file).read_text("utf-8")
    found = re.search(rf"^ *# \[START {mark}\]\n(.*?)^ *# \[END {mark}\]", source, re.DOTALL | re.MULTILINE)
    if found is None:
        raise LookupError(f"{file} has no marks [START {mark}] and [END {mark}]")
    other_marks = re.compile(r"^ *# \[(?:START|END) \w+\]\n", re.MULTILINE)
    return f"```python\n{textwrap.dedent(other_marks.sub('', found[1])).strip()}\n```\n"


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
