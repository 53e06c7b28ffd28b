"""Which of the package's code a step uses, read from the source and not by importing it.

A step's code is its function and every module of this package that the function can reach: what it imports,
what a module names in a text ("sfpc_book.book.extension"), what those reach, and the files (fonts, styles)
that they name beside them. Imports are found wherever they stand; a module named by a computed text is not
found, so the package has none.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
import re
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import sfpc_book

PACKAGE = Path(sfpc_book.__file__).parent
NAME = PACKAGE.name
MODULE_NAME = re.compile(rf"{NAME}(\.\w+)+")


@dataclass(frozen=True)
class SourceFacts:
    """What one module reaches: modules of this package, libraries, and files that it names beside it."""

    reached: frozenset[Path]
    libraries: frozenset[str]
    data: tuple[Path, ...]


def code_of_function(function: Callable[..., object]) -> dict[str, str]:
    """Digest by name of the function and of every module and data file that it can reach."""
    source = textwrap.dedent(inspect.getsource(function))
    nodes = list(ast.walk(ast.parse(source)))
    names = _imported(nodes) | _imported(_used(_top_level_imports(Path(inspect.getfile(function))), nodes))
    return {f"{function.__name__}()": digest(source.encode()), **closure(tuple(sorted(names)))}


def code_of_template(template: Path) -> dict[str, str]:
    """Digest by name of every module of this package that a notebook's code can reach."""
    return closure(tuple(name for name in template_imports(template) if name.split(".")[0] == NAME))


def template_imports(template: Path) -> tuple[str, ...]:
    """Dotted names that a notebook's code cells import, sorted; none from a cell that does not parse."""
    found: set[str] = set()
    for cell in json.loads(template.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            try:
                found |= _imported(ast.walk(ast.parse("".join(cell["source"]))))
            except SyntaxError:
                continue  # the kernel will say so, with the cell's number
    return tuple(sorted(found))


def modules_of_templates(templates: Iterable[Path]) -> tuple[str, ...]:
    """Names of the modules that notebooks will import, and of libraries they reach through this package."""
    names = {name for template in templates for name in template_imports(template)}
    files = [PACKAGE.parent / key for key in closure(tuple(sorted(names))) if key.endswith(".py")]
    own = {".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in files}
    libraries = {name for path in files for name in _facts(path).libraries}
    return tuple(sorted(libraries | {name.removesuffix(".__init__") for name in own}))


@cache
def closure(names: tuple[str, ...]) -> dict[str, str]:
    """Digests of all modules reachable from dotted names, and of the data files beside them."""
    found: dict[Path, SourceFacts] = {}
    waiting = [path for name in sorted(names) if (path := _module(name))]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found[path] = _facts(path)
            waiting += found[path].reached
    files = [file for path, facts in found.items() for file in (path, *facts.data)]
    return {path.relative_to(PACKAGE.parent).as_posix(): _digest_of(path) for path in sorted(set(files))}


def digest(content: bytes) -> str:
    """A short digest; 64 bits are plenty to tell versions of one file apart."""
    return hashlib.sha256(content).hexdigest()[:16]


@cache
def _top_level_imports(path: Path) -> tuple[ast.Import | ast.ImportFrom, ...]:
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return tuple(node for node in body if isinstance(node, ast.Import | ast.ImportFrom))


def _used(
    imports: Iterable[ast.Import | ast.ImportFrom], nodes: Iterable[ast.AST]
) -> list[ast.Import | ast.ImportFrom]:
    """Of a module's top-level imports those whose bound name occurs in a function."""
    words = {node.id for node in nodes if isinstance(node, ast.Name)}
    return [
        node
        for node in imports
        if any((alias.asname or alias.name.split(".")[0]) in words for alias in node.names)
    ]


@cache
def _facts(path: Path) -> SourceFacts:
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    imported = _imported(nodes)
    names = imported | {text for text in texts if MODULE_NAME.fullmatch(text)}
    reached = {module for name in names if (module := _module(name))}
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    taken = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    libraries = {name for name in plain | taken if name.split(".")[0] not in (NAME, "__future__")}
    return SourceFacts(frozenset(reached), frozenset(libraries), _named_files(path.parent, texts))


def _named_files(folder: Path, texts: set[str]) -> tuple[Path, ...]:
    """Files of a room, not Python, that a text names, or that lie in a folder which it names."""
    words = {part for text in texts for part in text.split("/")}
    named = [item for item in _items(folder) if item.name in words]
    files = [file for item in named for file in ([item] if item.is_file() else sorted(item.rglob("*")))]
    return tuple(file for file in files if file.is_file() and file.suffix not in (".py", ".pyc"))


@cache
def _items(folder: Path) -> tuple[Path, ...]:
    return tuple(sorted(item for item in folder.iterdir() if item.suffix != ".py"))


@cache
def _digest_of(path: Path) -> str:
    return digest(path.read_bytes())


def _imported(nodes: Iterable[ast.AST]) -> set[str]:
    """Dotted names of all imports among the nodes of a tree."""
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def _module(name: str) -> Path | None:
    """File of a module of this package, or None for names that are not one."""
    first, *rest = name.split(".")
    if first != NAME:
        return None
    path = PACKAGE.joinpath(*rest)
    if path.with_suffix(".py").is_file():
        return path.with_suffix(".py")
    return path / "__init__.py" if (path / "__init__.py").is_file() else None
