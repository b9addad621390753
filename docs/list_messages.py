"""List the messages of the package as Markdown: ``python docs/list_messages.py``.

The list has the text of each error, and of each line of the log with the level WARNING or ERROR. It is read
from the code, without an import. A text in braces stands for a value, such as ``{name}``. ``{a or b}`` is one
of two texts. A message that only repeats another error is left out.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from docs.message_texts import (
    CLOSE,
    OPEN,
    PACKAGE,
    Definition,
    Function,
    Module,
    Package,
    Renderer,
    Scope,
    has_sentence,
    has_words,
    list_function_texts,
    match_arguments,
)

ERROR_NAME = re.compile(r"\b[A-Z]\w*(?:Error|Exception)\b")
ERROR = re.compile(r"(?:Error|Exception|Exit|InvalidProxyURL)$")
PART = "part of a message"
GROUPS = {
    "Arguments": (
        "capi.voice",
        "decorators",
        "hooks.given_calls",
        "operators",
        "sending.window",
        "transfers",
    ),
    "Connection": ("hooks", "sending.advice"),
    "Recipients": (
        "capi.phones",
        "operators.recipient_list",
        "recipients",
    ),
    "Sending": (
        "capi",
        "operators.send",
        "operators.voice",
        "operators.waiting",
        "sending",
    ),
    "Ledger": (
        "ledger",
        "sending.earlier_send",
        "sending.open_send",
        "sending.send_opener",
    ),
    "Waiting and outcomes": (
        "capi.jobs",
        "hooks.outcome_wait",
        "hooks.receiver_access",
        "outcomes",
        "sending.ended_calls",
        "sending.outcome_store",
        "sending.report_file",
        "sending.resume",
        "sensors",
        "triggers",
    ),
    "Receiver": (
        "capi.notifications",
        "plugins",
        "receiver",
    ),
    "Command line": ("cli",),
    "Page of calls": (
        "calls_page",
        "links",
        "ui",
    ),
    "Alerts": ("notifications",),
}
"""What the user was doing, by the module or the package. The longest name counts."""
ALSO = {
    ("cli.cli_errors", "handle_cli_errors"): "otherwise",
    ("outcomes.decision", "CompletionTracker._decide"): "reason",
    ("outcomes.receiver_client", "ReceiverClient._not_ours"): "reason",
    ("recipients.input_rows", "BadRow"): "reason",
    ("recipients.recipient_store", "Skipped"): "reason",
    ("triggers.events", "InforuCallEventTrigger._complain"): "message",
    ("ui.page_errors", "_answer"): "text",
}
"""Calls that build messages without an exception: the argument with the text."""
APPENDED = {"complaints", "left_out"}
"""Lists whose texts are parts of messages."""
EXPLAINERS = ("sending.advice", "outcomes.push_health", "ui.page_errors")
"""Modules that add sentences to messages of other modules."""
SHOWN_AS = {"NoRetryError": "AirflowFailException"}
"""The class that the log of a task shows for an error, if the operator replaces it."""
LEVELS = {"warning": "WARNING", "error": "ERROR", "exception": "ERROR", "critical": "ERROR"}
Forwarders = dict[tuple[str, str], tuple[str, str]]
"""Functions that build an error with the text of a parameter: that parameter, and the class of the error."""


class Message(NamedTuple):
    """A message of the package.

    :ivar text: With placeholders.
    :ivar kind: The class of the error, or the level of the log.
    :ivar module: Without the name of the package.
    :ivar group: What the user was doing.
    :ivar placeholders: The names of the values in the text.
    """

    text: str
    kind: str
    module: str
    group: str
    placeholders: tuple[str, ...]


class _Collector(ast.NodeVisitor):
    """Finds the messages of a module."""

    def __init__(self, package: Package, module: Module, forwarders: Forwarders) -> None:
        self.found: list[tuple[str, str]] = []
        self.parts: list[tuple[str, str]] = []
        self.forwards: Forwarders = {}
        self._package = package
        self._known = forwarders
        self._scope = Scope(module)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._visit_inside(node, Scope(self._scope.module, node))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._visit_inside(node, Scope(self._scope.module, self._scope.owner, node))

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._visit_inside(node, Scope(self._scope.module, self._scope.owner, node))

    def visit_Module(self, node: ast.Module) -> None:
        self.generic_visit(node)
        module = self._scope.module
        functions = [one for one in ast.walk(node) if isinstance(one, Function)]
        constants = (known for known in module.values.values() if isinstance(known, ast.Dict))
        values = [one for known in constants for one in ast.walk(known) if isinstance(one, ast.Constant)]
        if module.name in EXPLAINERS:
            texts = chain(values, *(list_function_texts(one, module) for one in functions))
            renderer = Renderer(self._package, self._scope, [])
            rendered = (renderer.render(text) for text in texts)
            self.parts += [(text, module.name) for text in rendered if text.count(" ") > 1]

    def _visit_inside(self, node: ast.AST, scope: Scope) -> None:
        before, self._scope = self._scope, scope
        self.generic_visit(node)
        self._scope = before

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        called = self._package.find_called(self._scope, node.func)
        forwarded = self._known.get((called[0].name, called[1])) if called else None
        if isinstance(node.func, ast.Attribute) and _is_log(node.func):
            self._add_log(node, node.func.attr)
        elif forwarded and called:
            self._add_forwarded(dict(_match(called[2], node)), *forwarded)
        else:
            self._add_error(node, called)

    def _add_error(self, node: ast.Call, called: tuple[Module, str, Definition] | None) -> None:
        source = ast.unparse(node.func)
        owner = self._scope.owner.name if self._scope.owner else ""
        if source == "super().__init__" and ERROR.search(owner):
            self._add(node.args[:1], owner)
        elif ERROR.search(source):
            self._add(self._list_parts(node, called), source.rpartition(".")[2])
        elif kinds := ERROR_NAME.findall(self._read_assigned(node.func)):
            self._add(self._list_parts(node, called), " or ".join(kinds))
        elif source == "parser.error":
            self._add(node.args, "wrong usage")
        elif source.endswith(".append") and source.split(".")[-2] in APPENDED:
            self._add(node.args, PART)
        elif source.startswith("type("):
            self._add(node.args, "the same error")
        elif source == "JSONResponse":
            texts = [one for given in node.args[:1] if isinstance(given, ast.Dict) for one in given.values]
            self._add(texts, "HTTP reply")

    def _list_parts(self, node: ast.Call, called: tuple[Module, str, Definition] | None) -> list[ast.expr]:
        """Return the arguments of an exception that are its text."""
        named = [one.value for one in node.keywords if one.arg in ("message", "detail")]
        texts = [one for one in node.args if not isinstance(one, ast.Dict | ast.Starred)]
        if called and isinstance(called[2], ast.ClassDef) and self._takes_advice(called[0], called[2]):
            return texts[:2]
        first = [one for one in texts if not (isinstance(one, ast.Constant) and isinstance(one.value, int))]
        return [*first[:1], *named]

    def _takes_advice(self, module: Module, definition: ast.ClassDef) -> bool:
        bases = self._package.list_bases(module, definition)
        methods = (one for base in bases for one in base.body if isinstance(one, Function))
        return any(one.name == "__init__" and "advice" in ast.unparse(one.args) for one in methods)

    def _add(self, parts: list[ast.expr], kind: str) -> None:
        if not parts:
            return
        if len(parts) == 1 and isinstance(parts[0], ast.Name) and self._forward(parts[0].id, kind):
            return
        renderer = Renderer(self._package, self._scope, self.parts)
        texts = [renderer.list_texts(part) for part in parts]
        alone = texts[0] if len(texts) == 1 else [" ".join(renderer.render(part) for part in parts)]
        self.found += [(text, kind) for text in alone]

    def _forward(self, name: str, kind: str) -> bool:
        """Remember that a function makes an error of a parameter; return whether it does."""
        function, owner = self._scope.function, self._scope.owner
        if function is None or function.name == "__init__" or name not in _list_parameters(function):
            return False
        qualified = f"{owner.name}.{function.name}" if owner and function in owner.body else function.name
        self.forwards[self._scope.module.name, qualified] = (name, kind)
        return True

    def _add_forwarded(self, given: dict[str, ast.expr], parameter: str, kind: str) -> None:
        if parameter in given:
            self._add([given[parameter]], kind)

    def _add_log(self, node: ast.Call, name: str) -> None:
        values, level = node.args, LEVELS.get(name, "")
        if name == "log":
            level, values = self._read_level(values[0]), values[1:]
        if not values or level == "INFO":
            return
        renderer = Renderer(self._package, self._scope, self.parts)
        for text in renderer.list_texts(values[0]):
            filled = _fill(text, [renderer.render(one) for one in values[1:]])
            self.found.append((filled, f"log {level}".rstrip()))

    def _read_level(self, node: ast.expr) -> str:
        source = self._read_assigned(node) or ast.unparse(node)
        return " or ".join(dict.fromkeys(re.findall(r"\b(?:INFO|WARNING|ERROR|DEBUG)\b", source)))

    def _read_assigned(self, node: ast.expr) -> str:
        """Return the code of what is assigned to a local name; nothing for anything else."""
        nodes = ast.walk(self._scope.function) if self._scope.function and isinstance(node, ast.Name) else ()
        assigned = (one for one in nodes if isinstance(one, ast.Assign))
        return next(
            (ast.unparse(one.value) for one in assigned if ast.unparse(one.targets[0]) == ast.unparse(node)),
            "",
        )


def _fill(text: str, values: list[str]) -> str:
    """Return a text of the log with its values."""
    left = iter(values)
    mark = re.compile(r"%(?:[-+0 #]*\d*(?:\.\d+)?[sdrgfi]|%)")
    return mark.sub(lambda one: "%" if one[0] == "%%" else next(left, one[0]), text)


def _match(definition: Definition, call: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(definition, Function):
        yield from match_arguments(definition, call)
        return
    fields = [
        one.target.id
        for one in definition.body
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
    ]
    yield from zip(fields, call.args, strict=False)
    yield from ((one.arg, one.value) for one in call.keywords if one.arg)


def _list_parameters(function: Function) -> list[str]:
    every = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return [one.arg for one in every]


def _is_log(function: ast.Attribute) -> bool:
    owner = ast.unparse(function.value).rpartition(".")[2]
    return function.attr in (*LEVELS, "log") and bool(re.fullmatch(r"_?(log|logger|quiet)", owner))


def find_group(module: str) -> str:
    """Return what the user was doing when a module speaks.

    :param module: Without the name of the package.
    :raises LookupError: `GROUPS` lacks the module.
    """
    names = {name: group for group, names in GROUPS.items() for name in names}
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        if name in names:
            return names[name]
    raise LookupError(f"add the module {module} to GROUPS in docs/list_messages.py")


def list_messages() -> list[Message]:
    """Return the messages of the package, sorted by group and text."""
    package = Package(ROOT / PACKAGE)
    forwarders = {name: (argument, PART) for name, argument in ALSO.items()}
    for _ in range(3):
        collectors = {
            name: _Collector(package, module, forwarders) for name, module in package.modules.items()
        }
        for name, collector in collectors.items():
            collector.visit(package.modules[name].tree)
            forwarders |= collector.forwards
    found = {
        _make_message(text, kind, name)
        for name, collector in collectors.items()
        for text, kind in collector.found
        if has_words(text)
    }
    parts = chain.from_iterable(collector.parts for collector in collectors.values())
    known = {(message.text, message.module) for message in found}
    added = {_make_message(text, PART, module) for text, module in parts if has_sentence(text)}
    found |= {part for part in added if (part.text, part.module) not in known and "%s" not in part.text}
    order = list(GROUPS)
    return sorted(found, key=lambda one: (order.index(one.group), one.text.casefold(), one))


def _make_message(text: str, kind: str, module: str) -> Message:
    shown = " ".join(text.split()).replace(OPEN, "{").replace(CLOSE, "}").strip()
    values = re.findall(f"{OPEN}([^{OPEN}{CLOSE}]*){CLOSE}", text)
    return Message(shown, SHOWN_AS.get(kind, kind), module, find_group(module), tuple(values))


def build_list() -> str:
    """Return the messages as Markdown: a table for each group."""
    messages = list_messages()
    lines = []
    for group in GROUPS:
        lines += [f"### {group}", "", "| message | error or level | module |", "|---|---|---|"]
        lines += [_format_row(message) for message in messages if message.group == group] + [""]
    return "\n".join(lines)


def _format_row(message: Message) -> str:
    text = message.text.replace("|", r"\|")
    marks = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    space = " " if "`" in text else ""
    return f"| {marks}{space}{text}{space}{marks} | {message.kind} | `{message.module}` |"


def main() -> None:
    """Print the list."""
    print(build_list())  # noqa: T201 - what the command is for


if __name__ == "__main__":
    main()
