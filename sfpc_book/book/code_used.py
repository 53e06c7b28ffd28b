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
from collections.abc import Callable
from functools import cache
from pathlib import Path

import sfpc_book

PACKAGE = Path(sfpc_book.__file__).parent
NAME = PACKAGE.name
MODULE_NAME = re.compile(rf"{NAME}(\.\w+)+")


def code_of_function(function: Callable[..., object]) -> dict[str, str]:
    """Digest by name of the function and of every module and data file that it can reach."""
    source = textwrap.dedent(inspect.getsource(function))
    module = inspect.getsource(inspect.getmodule(function))  # type: ignore[arg-type]
    top_level = [node for node in ast.parse(module).body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = _imported(ast.parse(source)) | _imported(ast.Module(_used(top_level, source), []))
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
                found |= _imported(ast.parse("".join(cell["source"])))
            except SyntaxError:
                continue  # the kernel will say so, with the cell's number
    return tuple(sorted(found))


def modules_of_template(template: Path) -> tuple[str, ...]:
    """Names of the modules a notebook will import, its own and, through this package, of libraries: for
    warming."""
    names = template_imports(template)
    files = [PACKAGE.parent / key for key in closure(names) if key.endswith(".py")]
    reached = {_dotted(path) for path in files} | {name for path in files for name in _libraries(path)}
    return tuple(sorted(reached))


def _libraries(path: Path) -> set[str]:
    """Modules outside this package that a file imports, without the names it takes from them."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    taken = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    return {name for name in plain | taken if name.split(".")[0] not in (NAME, "__future__")}


def _dotted(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def closure(names: tuple[str, ...]) -> dict[str, str]:
    """Digests of all modules reachable from dotted names, and of the data files beside them."""
    found: dict[str, str] = {}
    waiting = [path for name in sorted(names) if (path := _module(name))]
    while waiting:
        path = waiting.pop()
        key = path.relative_to(PACKAGE.parent).as_posix()
        if key in found:
            continue
        found[key] = _digest_of(path)
        found |= _data_files(path)
        waiting += [reached for name in _imports_of(path) if (reached := _module(name))]
    return dict(sorted(found.items()))


def digest(content: bytes) -> str:
    """A short digest; 64 bits are plenty to tell versions of one file apart."""
    return hashlib.sha256(content).hexdigest()[:16]


def _used(imports: list[ast.stmt], source: str) -> list[ast.stmt]:
    """Of a module's top-level imports those whose bound name occurs in the function."""
    words = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
    return [
        node
        for node in imports
        if any((alias.asname or alias.name.split(".")[0]) in words for alias in node.names)  # type: ignore[attr-defined]
    ]


@cache
def _imports_of(path: Path) -> frozenset[str]:
    named = {text for text in _texts_of(path) if MODULE_NAME.fullmatch(text)}
    return frozenset(_imported(ast.parse(path.read_text(encoding="utf-8")))) | named


@cache
def _digest_of(path: Path) -> str:
    return digest(path.read_bytes())


def _data_files(path: Path) -> dict[str, str]:
    """Digests of the files, not Python, that lie beside a module and that it names in a text constant."""
    words = {part for text in _texts_of(path) for part in text.split("/")}
    named = [item for item in sorted(path.parent.iterdir()) if item.name in words]
    files = [file for item in named for file in ([item] if item.is_file() else sorted(item.rglob("*")))]
    return {
        file.relative_to(PACKAGE.parent).as_posix(): _digest_of(file)
        for file in files
        if file.is_file() and file.suffix not in (".py", ".pyc")
    }


@cache
def _texts_of(path: Path) -> frozenset[str]:
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return frozenset(
        node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _imported(tree: ast.AST) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
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
