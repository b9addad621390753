"""Read texts of messages from the code of a package, without an import."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

PACKAGE = "airflow_provider_inforu"
LEFT_OUT = ("sandbox", "_compat")
"""The sandbox imitates the vendor's errors. `_compat` has errors of Python only."""
SHOWN = {
    "_cut", "_show", "_show_columns", "_why", "capitalize", "dumps", "escape", "hide", "hide_phones",
    "hide_phones_in_path", "list", "map", "printable", "repr", "show_columns", "show_time", "sorted", "str",
}  # fmt: skip
"""Functions whose result is shown as their argument."""
METHODS = {"format", "lower", "removeprefix", "removesuffix", "rstrip", "strip"}
"""Methods whose result is shown as the text itself."""
MOST_DEPTH = 6
MOST_TEXTS = 8
LONGEST_CHOICE = 100
LONGEST_SOURCE = 50
OPEN, CLOSE = "\ue000", "\ue001"
"""The braces of a placeholder, while a text is built. A text may also have braces of its own."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef


@dataclass
class Module:
    """A module of the package.

    :ivar name: Without the name of the package.
    :ivar tree: Its code.
    :ivar values: What its names stand for.
    :ivar imports: Where imported names come from: a module of the package, and a name in it.
    """

    name: str
    tree: ast.Module
    values: dict[str, ast.expr | Definition] = field(default_factory=dict)
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Read the names."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == PACKAGE:
                source = (node.module or "").removeprefix(PACKAGE).removeprefix(".")
                self.imports |= {one.asname or one.name: (source, one.name) for one in node.names}
        for node in self.tree.body:
            if isinstance(node, Definition):
                self.values[node.name] = node
            elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                self.values |= {one.id: node.value for one in targets if isinstance(one, ast.Name)}


@dataclass(frozen=True)
class Scope:
    """Where an expression stands.

    :ivar module: The module.
    :ivar owner: The class, if any.
    :ivar function: The function, if any.
    :ivar given: The texts of the function's parameters, if it was called for one message.
    :ivar depth: How many names and calls were followed.
    """

    module: Module
    owner: ast.ClassDef | None = None
    function: Function | None = None
    given: tuple[tuple[str, str], ...] = ()
    depth: int = 0


class Package:
    """The code of the package, by module.

    :param root: The folder of the package.
    """

    def __init__(self, root: Path) -> None:
        self.modules: dict[str, Module] = {}
        for file in sorted(root.rglob("*.py")):
            name = ".".join(file.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
            if name != "__init__" and name.partition(".")[0] not in LEFT_OUT:
                self.modules[name] = Module(name, ast.parse(file.read_text("utf-8")))

    def find(self, module: Module, name: str) -> tuple[Module, ast.expr | Definition] | None:
        """Return what a name of a module stands for, and the module that defines it.

        :param module: The module that uses the name.
        :param name: The name.
        """
        for _ in range(MOST_DEPTH):
            if name in module.values:
                return module, module.values[name]
            source, name = module.imports.get(name, ("", ""))
            if source not in self.modules:
                return None
            module = self.modules[source]
        return None

    def find_called(self, scope: Scope, function: ast.expr) -> tuple[Module, str, Definition] | None:
        """Return the module, the qualified name and the definition of what an expression calls.

        :param scope: Where the expression stands.
        :param function: The expression before the brackets.
        """
        found = None
        if isinstance(function, ast.Name):
            found = self.find(scope.module, function.id)
        elif isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
            found = self._find_attribute(scope, function.value.id, function.attr)
        if found is None or not isinstance(found[1], Definition):
            return None
        prefix = f"{scope.owner.name}." if scope.owner and found[1] in scope.owner.body else ""
        return found[0], prefix + found[1].name, found[1]

    def _find_attribute(
        self, scope: Scope, owner: str, name: str
    ) -> tuple[Module, ast.expr | Definition] | None:
        if owner in ("self", "cls") and scope.owner is not None:
            methods = (one for one in scope.owner.body if isinstance(one, Function) and one.name == name)
            return next(((scope.module, one) for one in methods), None)
        source, module = scope.module.imports.get(owner, ("", ""))
        imported = self.modules.get(f"{source}.{module}".strip("."))
        return self.find(imported, name) if imported else None

    def list_bases(self, module: Module, definition: ast.ClassDef) -> Iterator[ast.ClassDef]:
        """Yield a class and its bases in the package.

        :param module: The module of the class.
        :param definition: The class.
        """
        yield definition
        for base in definition.bases:
            found = self.find_called(Scope(module), base)
            if found and isinstance(found[2], ast.ClassDef):
                yield from self.list_bases(found[0], found[2])


class Renderer:
    """Returns the text of an expression, with placeholders.

    :param package: The code.
    :param scope: Where the expressions stand.
    :param parts: Gets texts that are parts of the expressions, with their modules.
    """

    def __init__(self, package: Package, scope: Scope, parts: list[tuple[str, str]]) -> None:
        self.scope = scope
        self._package = package
        self._parts = parts

    def list_texts(self, node: ast.expr) -> list[str]:
        """Return the texts that an expression may have.

        :param node: The expression.
        """
        found: Iterable[tuple[Renderer, ast.expr]] = ()
        if isinstance(node, ast.IfExp):
            found = [(self, node.body), (self, node.orelse)]
        elif isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
            found = [(self, one) for one in node.values]
        elif isinstance(node, ast.Name):
            found = self._list_assigned(node.id)
        elif isinstance(node, ast.Call):
            found = self._list_returned(node)
        texts = list(chain.from_iterable(one.list_texts(value) for one, value in found))
        texts = list(dict.fromkeys(texts))
        if texts and len(texts) <= MOST_TEXTS and any(map(has_words, texts)):
            return [text for text in texts if text]
        return [self.render(node)]

    def render(self, node: ast.AST) -> str:
        """Return the text of an expression.

        :param node: The expression.
        """
        render: Callable[[ast.AST], str] = getattr(
            self, f"_render_{type(node).__name__.lower()}", self._render_value
        )
        return render(node)

    def _render_value(self, node: ast.AST) -> str:
        return f"{OPEN}{name_value(node)}{CLOSE}"

    def _render_constant(self, node: ast.Constant) -> str:
        return str(node.value)

    def _render_joinedstr(self, node: ast.JoinedStr) -> str:
        return "".join(map(self.render, node.values))

    def _render_formattedvalue(self, node: ast.FormattedValue) -> str:
        value = self._read_number(node.value)
        if value is not None and isinstance(node.format_spec, ast.JoinedStr):
            return format(value, self.render(node.format_spec))
        return self.render(node.value)

    def _render_binop(self, node: ast.BinOp) -> str:
        if isinstance(node.op, ast.Add):
            return self.render(node.left) + self.render(node.right)
        number = _multiply(node)
        return self._render_value(node) if number is None else str(number)

    def _render_ifexp(self, node: ast.IfExp) -> str:
        return self._choose([(self, node.body), (self, node.orelse)], node)

    def _render_name(self, node: ast.Name) -> str:
        given = dict(self.scope.given).get(node.id)
        if given is not None:
            return given
        if self._list_assigned(node.id):
            return self._choose(self._list_assigned(node.id), node) + self._find_added(node.id)
        return self._read_constant(node) or self._render_value(node)

    def _render_call(self, node: ast.Call) -> str:
        function = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if function == "join" and isinstance(node.func, ast.Attribute) and node.args:
            return self._join(node.func.value, node.args[0])
        if function == "join_error":
            return ". ".join(map(self.render, node.args))
        if function in METHODS and isinstance(node.func, ast.Attribute):
            return self._render_method(node.func.value, node.args if function == "format" else [])
        if function in SHOWN and node.args:
            text = self.render(node.args[-1] if function == "map" else node.args[0])
            return text[:1].upper() + text[1:] if function == "capitalize" else text
        return self._choose(self._list_returned(node), node)

    def _render_method(self, text: ast.expr, values: list[ast.expr]) -> str:
        """Return the text of a method's result, with the values of ``"{}".format(value)``."""
        shown = self.render(text)
        if len(values) == 1:
            return re.sub(r"{[^{}]*}", self.render(values[0]), shown)
        return shown

    def _render_subscript(self, node: ast.Subscript) -> str:
        """Return the name of a value; the texts of a constant that has it are parts of a message."""
        found = (
            self._package.find(self.scope.module, node.value.id) if isinstance(node.value, ast.Name) else None
        )
        for one in found[1].values if found and isinstance(found[1], ast.Dict) else ():
            text = self.render(one)
            self._parts += [(text, self.scope.module.name)] if has_sentence(text) else []
        return self._render_value(node)

    def _render_starred(self, node: ast.Starred) -> str:
        """Return the name of a list, whose texts are parts of a message."""
        module = self.scope.module.name
        for one in _list_elements(self.scope.function, node.value):
            self._parts += [(text, module) for text in self.list_texts(one) if has_sentence(text)]
        return self._render_value(node)

    def _choose(self, found: list[tuple[Renderer, ast.expr]], node: ast.AST) -> str:
        """Return the text, or the texts as a choice; the name of the value if they say nothing.

        A long choice is a value with a name, and its texts are parts of a message.
        """
        texts = {one.render(value): one.scope.module.name for one, value in found}
        if not any(has_words(text) or text.isalpha() for text in texts):
            return self._render_value(node)
        if len(texts) == 1:
            return next(iter(texts))
        choice = " or ".join([*filter(None, texts), *["nothing"] * ("" in texts)])
        if len(texts) > MOST_TEXTS or len(choice) > LONGEST_CHOICE or " or " in "".join(texts):
            self._parts += [(text, module) for text, module in texts.items() if has_sentence(text)]
            return self._render_value(node)
        return f"{OPEN}{choice}{CLOSE}"

    def _join(self, separator: ast.expr, parts: ast.expr) -> str:
        found = self._package.find(self.scope.module, parts.id) if isinstance(parts, ast.Name) else None
        known = found[1] if found else parts
        elements = list(known.keys if isinstance(known, ast.Dict) else getattr(known, "elts", ()))
        texts = [self.render(one) for one in elements if one is not None]
        return self.render(separator).join(texts) if texts else self._render_value(parts)

    def _deeper(self) -> Renderer:
        scope = self.scope
        deeper = Scope(scope.module, scope.owner, scope.function, scope.given, scope.depth + 1)
        return Renderer(self._package, deeper, self._parts)

    def _read_constant(self, node: ast.Name) -> str:
        """Return the text of a constant of a module; nothing if it is something else."""
        found = self._package.find(self.scope.module, node.id)
        if found is None or isinstance(found[1], Definition) or self.scope.depth > MOST_DEPTH:
            return ""
        scope = Scope(found[0], depth=self.scope.depth + 1)
        text = Renderer(self._package, scope, self._parts).render(found[1])
        return text if isinstance(found[1], ast.Constant | ast.BinOp) or has_words(text) else ""

    def _read_number(self, node: ast.expr) -> float | None:
        if not isinstance(node, ast.Name):
            return None
        found = self._package.find(self.scope.module, node.id)
        if found and isinstance(found[1], ast.Constant) and isinstance(found[1].value, int | float):
            return found[1].value
        return None

    def _list_assigned(self, name: str) -> list[tuple[Renderer, ast.expr]]:
        """Return the texts that are assigned to a local name."""
        if self.scope.function is None or self.scope.depth > MOST_DEPTH:
            return []
        found = []
        for node in ast.walk(self.scope.function):
            if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                found += [pair for target in targets for pair in _pair(target, node.value)]
        values = [value for target, value in found if target == name]
        if any(isinstance(value, ast.List | ast.Dict) for value in values):
            return []
        return [(self._deeper(), value) for value in values if not _is_none(value)]

    def _find_added(self, name: str) -> str:
        """Return what is added to a local text."""
        added = [
            self._deeper().render(node.value)
            for node in ast.walk(self.scope.function or ast.Module([], []))
            if isinstance(node, ast.AugAssign)
            and isinstance(node.target, ast.Name)
            and node.target.id == name
        ]
        return "".join(f"{OPEN}{text} or nothing{CLOSE}" for text in added if has_words(text))

    def _list_returned(self, node: ast.Call) -> list[tuple[Renderer, ast.expr]]:
        """Return the texts that a function of the package may return."""
        module, name, function = self._package.find_called(self.scope, node.func) or (None, "", None)
        if module is None or not isinstance(function, Function) or self.scope.depth > MOST_DEPTH:
            return []
        if function.returns is None or ast.unparse(function.returns) not in ("str", "str | None"):
            return []
        given = tuple((parameter, self.render(value)) for parameter, value in match_arguments(function, node))
        owner = self.scope.owner if "." in name else None
        scope = Scope(module, owner, function, given, self.scope.depth + 1)
        inner = Renderer(self._package, scope, self._parts)
        returned = (one for one in ast.walk(function) if isinstance(one, ast.Return))
        found = [(inner, one.value) for one in returned if one.value and not _is_none(one.value)]
        if not any(has_words(one.render(value)) for one, value in found):
            plain = Renderer(self._package, Scope(module, owner, function, depth=scope.depth), self._parts)
            self._parts += [
                (plain.render(text), module.name) for text in list_function_texts(function, module)
            ]
        return found


def _multiply(node: ast.expr) -> int | None:
    """Return the number of a constant such as ``7 * 24``."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return node.value
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        left, right = _multiply(node.left), _multiply(node.right)
        return None if left is None or right is None else left * right
    return None


def list_function_texts(function: Function, module: Module) -> Iterator[ast.expr]:
    """Yield the texts in a function, and in those of its module that return it lists of texts.

    :param function: The function.
    :param module: Its module.
    """
    body = function.body[1:] if ast.get_docstring(function) else function.body
    nodes = [node for statement in body for node in ast.walk(statement)]
    inner = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in nodes:
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and is_text):
            yield node
        called = module.values.get(ast.unparse(node.func)) if isinstance(node, ast.Call) else None
        if isinstance(called, Function) and called is not function and _returns_list(called):
            yield from list_function_texts(called, module)


def _returns_list(function: Function) -> bool:
    return function.returns is not None and ast.unparse(function.returns) == "list[str]"


def _list_elements(function: Function | None, name: ast.expr) -> Iterator[ast.expr]:
    """Yield what is in a local list: its first elements, and those that are appended."""
    for node in ast.walk(function) if function and isinstance(name, ast.Name) else ():
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == ast.unparse(name):
            lists = (one for one in ast.walk(node.value) if isinstance(one, ast.List))
            yield from chain.from_iterable(one.elts for one in lists)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == f"{ast.unparse(name)}.append":
            yield from node.args


def _pair(target: ast.expr, value: ast.expr) -> list[tuple[str, ast.expr]]:
    """Return names with their values, also of ``a, b = 1, 2``."""
    if isinstance(target, ast.Name):
        return [(target.id, value)]
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        return [pair for one, own in zip(target.elts, value.elts, strict=False) for pair in _pair(one, own)]
    return []


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def has_words(text: str) -> bool:
    """Return whether a text says something in addition to its values.

    :param text: With placeholders in `OPEN` and `CLOSE`.
    """
    return bool(re.search(r"[^\W\d_]{2}", _remove_values(text)))


def has_sentence(text: str) -> bool:
    """Return whether a text has at least two words in addition to its values.

    :param text: With placeholders in `OPEN` and `CLOSE`.
    """
    words = re.sub(r"{[^{}]*}", "", _remove_values(text)).split()
    return sum(bool(re.search(r"[^\W\d_]{2}", word)) for word in words) > 1


def _remove_values(text: str) -> str:
    """Return a text without its placeholders. A choice of texts counts as a word.

    :param text: With placeholders in `OPEN` and `CLOSE`.
    """
    return re.sub(f"{OPEN}[^{OPEN}{CLOSE}]*{CLOSE}", lambda one: " or " * (" or " in one[0]), text)


def name_value(node: ast.AST) -> str:
    """Return a name for a value: the last part of its own name, or its code.

    :param node: The expression.
    """
    match node:
        case ast.Name():
            return node.id.strip("_").lower().replace("_", " ") if node.id.isupper() else node.id
        case ast.Attribute(value=ast.Call(func=ast.Name(id="type"), args=[value]), attr="__name__"):
            return f"type of {name_value(value)}"
        case ast.Attribute():
            return node.attr.strip("_")
        case ast.Subscript(slice=ast.Constant(value=str(name))):
            return name
        case ast.Call():
            return _name_result(node)
    inner = _find_main_part(node)
    if inner is not None:
        return name_value(inner)
    source = " ".join(ast.unparse(node).split())
    return source if len(source) <= LONGEST_SOURCE else f"{source[:LONGEST_SOURCE]}…"


def _find_main_part(node: ast.AST) -> ast.AST | None:
    """Return the part of an expression that names its value."""
    match node:
        case ast.IfExp():
            return node.body
        case ast.BoolOp(values=[first, *_]) | ast.Subscript(value=first) | ast.Starred(value=first):
            return first
        case ast.JoinedStr():
            return next((one.value for one in node.values if isinstance(one, ast.FormattedValue)), None)
        case ast.GeneratorExp(generators=[first, *_]) | ast.ListComp(generators=[first, *_]):
            return first.iter
    return None


def _name_result(node: ast.Call) -> str:
    function = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
    if function == "len" and node.args:
        return f"number of {name_value(node.args[0])}"
    if (function in SHOWN or function in ("join", "type")) and node.args:
        return name_value(node.args[-1 if function == "map" else 0])
    if isinstance(node.func, ast.Attribute) and function in METHODS:
        return name_value(node.func.value)
    return function.strip("_").replace("_", " ")


def match_arguments(function: Function, call: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    """Yield the parameters of a function with the arguments of a call.

    :param function: The function.
    :param call: The call.
    """
    names = [one.arg for one in [*function.args.posonlyargs, *function.args.args]]
    if names and names[0] in ("self", "cls"):
        names = names[1:]
    given = [one for one in call.args if not isinstance(one, ast.Starred)]
    yield from zip(names, given, strict=False)
    yield from ((one.arg, one.value) for one in call.keywords if one.arg)
