"""Build a Markdown table of arguments from a signature and a docstring."""

from __future__ import annotations

import inspect
import json
import pkgutil
import re
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args, get_origin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ARGUMENT = re.compile(r"^:(param|ivar) (\w+): *(.*?)(?=^:|\Z)", re.DOTALL | re.MULTILINE)
LITERALS = (
    "airflow_provider_inforu.recipients.choices",
    "airflow_provider_inforu.notifications.sentences",
    "airflow_provider_inforu.outcomes.awaited",
    "airflow_provider_inforu.outcomes.sources",
)
"""Modules with named choices, which a table lists instead of the name."""
CONFIGURED = {
    ("deferrable", True): "`[operators] default_deferrable`",
    ("timeout", False): "`[sensors] default_timeout`",
}
"""Defaults that are an option of Airflow: by the argument, and whether the class itself has it."""


class Argument(NamedTuple):
    """A row of a table."""

    name: str
    type: str
    default: str
    text: str


def build_table(name: str, *, is_strict: bool = True) -> str:
    """Return the table of the arguments that a class, a method or a function takes.

    :param name: Its full name.
    :param is_strict: Whether an argument without a description is an error.
    :raises LookupError: An argument has no description.
    """
    lines = ["| argument | type | default | what it does |", "|---|---|---|---|"]
    templates = {
        field.removeprefix("is_") for field in getattr(pkgutil.resolve_name(name), "template_fields", ())
    }
    for row in read_arguments(name, is_strict=is_strict):
        note = " *Template.*" if row.name in templates else ""
        lines.append(f"| `{row.name}` | {row.type} | {row.default} | {row.text}{note} |")
    return "\n".join(lines) + "\n"


def read_arguments(name: str, *, is_strict: bool = True) -> Iterator[Argument]:
    """Yield the arguments in the order of the signature, then those that only the docstring names.

    :param name: The full name of a class, a method or a function.
    :param is_strict: Whether an argument without a description is an error.
    :raises LookupError: An argument has no description.
    """
    found = pkgutil.resolve_name(name)
    texts = _read_descriptions(found)
    own = list_parameters(found)
    undescribed = own.keys() - texts.keys()
    if undescribed and is_strict:
        raise LookupError(f"the docstring of {name} does not describe {', '.join(sorted(undescribed))}")
    known = {**_list_inherited(found), **own}
    for parameter in [*own, *(one for one in texts if one in known and one not in own)]:
        yield Argument(
            parameter,
            _format_type(known[parameter].annotation),
            _format_default(known[parameter], is_own=parameter in own),
            format_text(texts.get(parameter, "")),
        )


def _read_descriptions(found: object) -> dict[str, str]:
    """Return the descriptions of a docstring, and of those of a class's bases in this package."""
    bases = reversed(found.__mro__) if inspect.isclass(found) else (found,)
    own = (one for one in bases if not one.__module__.startswith("airflow."))
    return {name: text for one in own for _, name, text in ARGUMENT.findall(inspect.getdoc(one) or "")}


def list_parameters(found: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Return the named parameters of a class, a method or a function.

    :param found: The class, the method or the function.
    """
    function = found.__init__ if inspect.isclass(found) else found  # type: ignore[misc]
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    parameters = inspect.signature(function).parameters
    is_hidden = re.compile("self|cls|_.*").fullmatch
    return {name: one for name, one in parameters.items() if one.kind in named and not is_hidden(name)}


def _list_inherited(found: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Return the parameters of a class's first base that Airflow defines."""
    bases = found.__mro__ if inspect.isclass(found) else ()
    airflow = (one for one in bases if one.__module__.startswith("airflow."))
    return list_parameters(next(airflow, object)) if bases else {}


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


def _format_default(parameter: inspect.Parameter, *, is_own: bool) -> str:
    default, option = parameter.default, CONFIGURED.get((parameter.name, is_own))
    if option:
        return option
    if default is parameter.empty or repr(default) == "<required>":
        return "required"
    if repr(default) == "<factory>":
        return "empty"
    if isinstance(default, timedelta):
        return f"{default.total_seconds():g} seconds"
    text = json.dumps(default, ensure_ascii=False) if isinstance(default, str) else repr(default)
    return f"`{text}`"


def format_text(text: str, *, in_table: bool = True) -> str:
    """Return a text of a docstring as one line of Markdown.

    :param text: The text.
    :param in_table: Whether the line stands in a table, where ``|`` ends a cell.
    """
    line = " ".join(text.split()).replace("``", "`")
    return (line[:1].upper() + line[1:]).replace("|", r"\|" if in_table else "|")
