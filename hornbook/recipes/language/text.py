"""Turns YAML text into plain values and the place of each of them. YAML 1.2-like, on PyYAML's SafeLoader."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

import yaml

from hornbook.errors import Path, Problem

__all__ = ["MAX_CHARACTERS", "Document", "Place", "document_of", "parse", "shown", "to_yaml"]

MAX_CHARACTERS = 2**22
MAX_NODES = 100_000  # aliases can make a small file enormous
MAX_DEPTH = 50
SURROGATES = re.compile("[\ud800-\udfff]")
TOO_LARGE = "too large or nested too deeply for a recipe."
KEYS = "a key is text or a whole number."


def shown(value: Any) -> str:
    """Return a value as messages quote it: null and booleans as YAML has them, and never long."""
    if value is None or isinstance(value, bool):
        return "nothing" if value is None else str(value).lower()
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


class _Resolver(yaml.SafeLoader):
    """YAML 1.2's core schema: `1e-3` is a float, `on`, `off`, `yes`, `no` and dates are text."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  (PyYAML declares it so)
    count = depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Compose as usual, within bounds: a large text takes minutes, a deep one overruns Python's stack."""
        self.count, self.depth = self.count + 1, self.depth + 1
        if self.count > MAX_NODES or self.depth > MAX_DEPTH:
            raise yaml.MarkedYAMLError(problem=TOO_LARGE.rstrip("."), problem_mark=self.peek_event().start_mark)  # type: ignore[no-untyped-call]
        node: yaml.Node | None = super().compose_node(parent, index)
        self.depth -= 1
        return node


_FIRST = list("-+0123456789.")
_Resolver.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Resolver.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_Resolver.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$"), _FIRST
)
_Resolver.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:(?:\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?|\.(?:inf|Inf|INF))$|^\.(?:nan|NaN|NAN)$"),
    _FIRST,
)  # fmt: skip


_RESOLVER = _Resolver("")
STANDARD = "tag:yaml.org,2002:"
MAP, LIST = f"{STANDARD}map", f"{STANDARD}seq"


@dataclass(frozen=True)
class Place:
    """Where something stands: line and column of its key and of its value, counted from 1."""

    key: tuple[int, int]
    value: tuple[int, int]
    origin: str


@dataclass
class Document:
    """Plain values of a YAML text, the place of each path, and what is wrong with the text itself."""

    tree: Any
    origin: str
    places: dict[Path, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def parse(text: str, *, origin: str) -> Document:
    """Return the values in a YAML text with their places. Mistakes in the text end up in `problems`, never raised."""
    document = Document(tree=None, origin=origin)
    if len(text) > MAX_CHARACTERS:
        message = f"{len(text):,} characters, which is too large for a recipe."
        document.problems.append(_problem(document, message, None, "Data belongs into a file of its own."))
        return document
    try:
        node = yaml.compose(text, Loader=_Resolver)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = " ".join(part for part in (error.context, error.problem) if part)
        document.problems.append(_problem(document, f"not valid YAML: {what}.", mark, _yaml_hint(text, mark)))
        return document
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        what = str(error).splitlines()[0] if str(error) else "it is nested too deeply"
        document.problems.append(_problem(document, f"not valid YAML: {what}.", None, ""))
        return document
    if node is not None:
        document.tree = _Walk(document).value(node, (), 0)
    return document


def _problem(document: Document, message: str, mark: yaml.Mark | None, hint: str, path: Path = ()) -> Problem:
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    return Problem(path, message, hint, code="yaml", line=line, column=column, origin=document.origin)


def _yaml_hint(text: str, mark: yaml.Mark | None) -> str:
    lines = text.splitlines()
    line = lines[mark.line] if mark is not None and mark.line < len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return "Indent with spaces, not tabs."
    if line.count(":") > 1 and "{" not in line and '"' not in line:
        return "Put text that contains ': ' in quotes."
    return ""


class _Walk:
    """Builds plain values from YAML nodes and notes the place of each path."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.count = 0
        self.open: set[int] = set()

    def value(self, node: yaml.Node, path: Path, depth: int) -> Any:
        self.count += 1
        if self.count > MAX_NODES or depth > MAX_DEPTH or id(node) in self.open:
            if not any(problem.message == TOO_LARGE for problem in self.document.problems):
                self._complain(TOO_LARGE, node, "Write it without aliases.", path)
            return None
        start = (node.start_mark.line + 1, node.start_mark.column + 1)
        known = self.document.places.get(path)
        self.document.places[path] = Place(known.key if known else start, start, self.document.origin)
        self.open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                self._check_tag(node, path, MAP)
                return self._mapping(node, path, depth)
            if isinstance(node, yaml.SequenceNode):
                self._check_tag(node, path, LIST)
                return [self.value(item, (*path, index), depth + 1) for index, item in enumerate(node.value)]
            return self._scalar(node, path) if isinstance(node, yaml.ScalarNode) else None
        finally:
            self.open.discard(id(node))

    def _mapping(self, node: yaml.MappingNode, path: Path, depth: int) -> dict[Any, Any]:
        result: dict[Any, Any] = {}
        lines: dict[Any, int] = {}
        for key_node, value_node in node.value:
            key = self._scalar(key_node, path) if isinstance(key_node, yaml.ScalarNode) else None
            if not _is_key(key):
                self._complain(KEYS, key_node, "", path)
                continue
            line = key_node.start_mark.line + 1
            if key in result:
                self._complain(f"appears twice, on lines {lines[key]} and {line}.", key_node, "Keep one.", (*path, key))
                continue
            lines[key] = line
            where = (line, key_node.start_mark.column + 1)
            self.document.places[(*path, key)] = Place(where, where, self.document.origin)
            result[key] = self.value(value_node, (*path, key), depth + 1)
        return result

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        text = node.value
        implicit = (node.style is None, node.style is not None)
        meant = _RESOLVER.resolve(yaml.ScalarNode, text, implicit)  # type: ignore[no-untyped-call]
        if not self._check_tag(node, path, meant):
            return text
        kind = meant.removeprefix(STANDARD)
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() == "true"
        if kind in ("int", "float") and len(text) > 100:
            self._complain("this number is too long.", node, "Write it with an exponent, such as 1e20.", path)
            return None
        if kind == "int":
            return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
        if kind == "float":
            return float(re.sub(r"\.(inf|nan)", r"\1", text.lower()))
        if SURROGATES.search(text):
            self._complain("this is half of a character (a lone surrogate).", node, "Write the character itself.", path)
            return SURROGATES.sub("\ufffd", text)
        return text

    def _check_tag(self, node: yaml.Node, path: Path, meant: str) -> bool:
        """Complain about a tag that says something else than the value itself."""
        if node.tag == meant:
            return True
        shown_tag = node.tag.replace(STANDARD, "!!", 1)
        self._complain(f"the tag '{shown_tag}' is not allowed in a recipe.", node, "Write plain values.", path)
        return False

    def _complain(self, message: str, node: yaml.Node, hint: str, path: Path) -> None:
        self.document.problems.append(_problem(self.document, message, node.start_mark, hint, path))


def _is_key(key: Any) -> TypeGuard[str | int]:
    """Return whether a key is text, or a whole number of 64 bits: pydantic knows no longer ones."""
    return isinstance(key, str) or (isinstance(key, int) and not isinstance(key, bool) and abs(key) < 2**63)


class _Dumper(yaml.SafeDumper):
    yaml_implicit_resolvers = _Resolver.yaml_implicit_resolvers

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _represent_float(dumper: yaml.SafeDumper, value: float) -> yaml.Node:
    text = re.sub("(inf|nan)", r".\1", repr(value))
    return dumper.represent_scalar("tag:yaml.org,2002:float", text)


def _represent_text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    style = '"' if re.search("[\x85\u2028\u2029]", value) else None  # PyYAML folds these line ends away
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(float, _represent_float)
_Dumper.add_representer(str, _represent_text)


def to_yaml(tree: Any) -> str:
    """Return plain values as YAML text that `parse` reads back unchanged."""
    return yaml.dump(tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110, default_flow_style=None)


def to_flow(value: Any) -> str:
    """Return a value as YAML on one line: ``{name: sgd, momentum: 0.9}``."""
    tree = [plain(value)]
    text = yaml.dump(tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10**9, default_flow_style=True)
    return text.strip()[1:-1]


def document_of(tree: Mapping[Any, Any]) -> Document:
    """Return a mapping given in Python as a document; what no text could hold is left out and becomes a problem."""
    document = Document(tree=None, origin="recipe")

    def complain(path: Path, message: str) -> None:
        document.problems.append(Problem(path, message, code="yaml"))

    def walk(value: Any, path: Path) -> Any:
        if len(path) > MAX_DEPTH:
            if not any(problem.message == TOO_LARGE for problem in document.problems):
                complain(path[:3], TOO_LARGE)
            return None
        if isinstance(value, str) and SURROGATES.search(value):
            complain(path, "this is half of a character (a lone surrogate).")
            return SURROGATES.sub("\ufffd", value)
        if isinstance(value, list | tuple):
            return [walk(item, (*path, index)) for index, item in enumerate(value)]
        if not isinstance(value, Mapping):
            return value.tolist() if hasattr(value, "tolist") else value
        result = {}
        for key, item in value.items():
            if not _is_key(key) or (isinstance(key, str) and SURROGATES.search(key)):
                complain(path, f"{KEYS[:-1]}, found {shown(key)}.")
            else:
                result[key] = walk(item, (*path, key))
        return result

    document.tree = walk(tree, ())
    return document


def plain(value: Any) -> Any:
    """Return a copy in YAML's types of mappings, sequences, and numbers or arrays of NumPy."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value.tolist() if hasattr(value, "tolist") else value
