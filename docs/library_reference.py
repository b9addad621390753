"""Build the reference of a module, a class or a function as Markdown."""

from __future__ import annotations

import inspect
import pkgutil
import re
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sphinx.pycode import ModuleAnalyzer

from docs.argument_tables import build_table, format_text, list_parameters, read_arguments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FIRST_FIELD = re.compile(r"^:\w+[^:\n]*:", re.MULTILINE)
OUTCOME = re.compile(r"^:(return|raises) *(\w*): *(.*?)(?=^:|\Z)", re.DOTALL | re.MULTILINE)


def build_reference(name: str) -> str:
    """Return headings, descriptions and tables of arguments.

    :param name: The full name of a module, a class or a function.
    """
    found = pkgutil.resolve_name(name)
    if not inspect.ismodule(found):
        return "\n".join([f"In `{name.rpartition('.')[0]}`:", "", *_describe(name, found, "###")])
    parts = [f"In `{name}`:", "", *_describe_constants(name)]
    for member, value in vars(found).items():
        if not member.startswith("_") and _is_defined_in(value, name):
            parts += _describe(f"{name}.{member}", value, "###")
    return "\n".join(parts)


def _is_defined_in(value: object, module: str) -> bool:
    return (inspect.isclass(value) or inspect.isfunction(value)) and value.__module__ == module


def _describe_constants(module: str) -> list[str]:
    comments = ModuleAnalyzer.for_module(module).find_attr_docs()
    found = [
        (name, text) for (owner, name), text in comments.items() if not owner and not name.startswith("_")
    ]
    return [f"- `{name}`: {format_text(' '.join(text))}" for name, text in found] + [""] * bool(found)


def _describe(name: str, found: Any, heading: str) -> list[str]:  # noqa: ANN401 - whatever a module defines
    documentation = inspect.getdoc(found) or ""
    lines = [f"{heading} `{_shorten(name, heading)}`", ""]
    body = FIRST_FIELD.split(documentation, maxsplit=1)[0].strip()
    for paragraph in re.split(r"\n\s*\n", body):
        lines += [format_text(paragraph, in_table=False), ""]
    if _takes_arguments(found) and any(row.text for row in read_arguments(name, is_strict=False)):
        lines += [build_table(name, is_strict=False)]
    outcomes = [_format_outcome(*outcome) for outcome in OUTCOME.findall(documentation)]
    lines += [*outcomes, ""] if outcomes else []
    if inspect.isclass(found):
        lines += _describe_members(name, found, heading)
    return lines


def _takes_arguments(found: object) -> bool:
    if inspect.isclass(found) and ("__init__" not in vars(found) or issubclass(found, Enum)):
        return False
    return callable(found) and bool(list_parameters(found))


def _shorten(name: str, heading: str) -> str:
    """Return the last part of a name, with that of its class for a method."""
    return ".".join(name.split(".")[-1 if heading == "###" else -2 :])


def _format_outcome(kind: str, error: str, text: str) -> str:
    return (
        f"- Raises `{error}`: {format_text(text)}" if kind == "raises" else f"- Returns: {format_text(text)}"
    )


def _describe_members(name: str, found: type, heading: str) -> list[str]:
    comments = ModuleAnalyzer.for_module(found.__module__).find_attr_docs()
    fields = [(field, text) for (owner, field), text in comments.items() if owner == found.__name__]
    lines = [
        f"- `{field}`: {format_text(' '.join(text))}" for field, text in fields if not field.startswith("_")
    ]
    lines += [""] * bool(lines)
    for member, value in _list_methods(found):
        lines += _describe(f"{name}.{member}", value, f"{heading}#")
    return lines


def _list_methods(found: type) -> Iterator[tuple[str, Callable[..., Any] | property | cached_property[Any]]]:
    kinds = (property, cached_property, classmethod, staticmethod)
    for member, value in vars(found).items():
        if not member.startswith("_") and (inspect.isfunction(value) or isinstance(value, kinds)):
            yield member, getattr(found, member) if callable(getattr(found, member)) else value
