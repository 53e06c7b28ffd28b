"""Read what would be published, byte for byte, and stop if it holds what must not leave the building.

Pages, data files, scripts and the words of the PDFs are searched for identifiers of children, planted
sentinels, child-level columns, paths of the machine, email addresses, tracebacks and anything loaded from
elsewhere.
"""

from __future__ import annotations

import hashlib
import html
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet

from sfpc_book.book import leaks_rules as rules
from sfpc_book.book.assets import RUNTIME_NAME
from sfpc_book.book.pdf_text import pdf_text
from sfpc_book.errors import DisclosureError

IDENTIFIER_COLUMNS = ("child_id", "child_key", "referral_id")
PAGE_TYPES = frozenset({".html", ".css", ".svg"})
TAG, NAMED = re.compile(r"<[^>]*>"), re.compile(r'\bname="([^"]*)"')
TEXT_TYPES = PAGE_TYPES | {".csv", ".js", ".json", ".ipynb", ".md", ".yml", ".txt"}


@dataclass(frozen=True)
class LeakScan:
    """How much was read: number of files and of identifiers that were looked for."""

    files: int
    identifiers: int


def scan_for_leaks(
    build: Path,
    *,
    folders: Mapping[str, Path] | None = None,
    sentinels: Iterable[str] = (),
    contacts: Iterable[str] = (),
) -> LeakScan:
    """Scan the site, the PDFs and the assembled pages of a build; return what was read.

    `folders` says where they lie under which name (default: `site`, `pdf` and `book` of the build).
    Identifiers are taken from every child-level table below `build/cohort` and `build/returns`. `sentinels`
    are texts planted in the raw data for this test, `contacts` email addresses that are meant to be
    published. Raises `DisclosureError` listing every file with a fault, never the offending value, and also
    when there is a file of a kind that it cannot read.
    """
    places = dict(folders or {name: build / name for name in ("site", "pdf", "book")})
    identifiers = child_identifiers(build)
    shared = _shared_rules(build, identifiers, sentinels, contacts)
    problems, count = [], 0
    for name, path in published_files(places):
        count += 1
        problems += [f"{name}: {fault}" for fault in _faults(path, shared)]
    if problems:
        raise DisclosureError("some files may not be published", problems)
    return LeakScan(count, len(identifiers))


def published_files(folders: Mapping[str, Path]) -> Iterator[tuple[str, Path]]:
    """Every file to read, under the name a reader knows it by, in a fixed order.

    A file that is there a second time with the same bytes is given once.
    """
    seen: set[bytes] = set()
    for name, folder in folders.items():
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            digest = hashlib.sha256(path.read_bytes()).digest()
            if digest not in seen:
                seen.add(digest)
                yield f"{name}/{path.relative_to(folder).as_posix()}", path


def child_identifiers(build: Path) -> frozenset[str]:
    """Every identifier in the child-level tables of a build, as text."""
    return _identifiers([*build.glob("cohort/**/*.parquet"), *build.glob("returns/**/*.parquet")])


def scan_workbook(path: Path, returns: Path) -> None:
    """Read the words of a workbook that goes to an authority, as a published file would be read.

    Identifiers are those of the tables in the folder `returns`. Raises `DisclosureError` with the kinds of
    fault, never the offending value.
    """
    identifiers = _identifiers(returns.glob("*.parquet"))
    shared = (rules.identifier_rule(identifiers), rules.traceback_rule, rules.internals_rule)
    words = workbook_text(path)
    if problems := [f"{path.name}: {fault}" for rule in shared for fault in rule(words)]:
        raise DisclosureError("a workbook of findings may not leave the building", problems)


def workbook_text(path: Path) -> str:
    """Everything that stands in a workbook: cells, names of sheets, properties."""
    with zipfile.ZipFile(path) as archive:
        parts = [archive.read(name).decode() for name in archive.namelist() if name.endswith(".xml")]
    return html.unescape("\n".join(TAG.sub(" ", part) + " ".join(NAMED.findall(part)) for part in parts))


def _identifiers(tables: Iterable[Path]) -> frozenset[str]:
    found: set[str] = set()
    for path in sorted(tables):
        names = pyarrow.parquet.read_schema(path).names
        columns = [name for name in IDENTIFIER_COLUMNS if name in names]
        if columns:
            table = pyarrow.parquet.read_table(path, columns=columns)
            found.update(
                str(value) for name in columns for value in table[name].unique().to_pylist() if value
            )
    return frozenset(found)


def _shared_rules(
    build: Path, identifiers: frozenset[str], sentinels: Iterable[str], contacts: Iterable[str]
) -> tuple[rules.Rule, ...]:
    folders = {str(build.resolve()), str(build.resolve().parent), str(Path.home())}
    return (
        rules.identifier_rule(identifiers),
        rules.sentinel_rule(sentinels),
        rules.machine_rule(folders),
        rules.person_rule(contacts),
        rules.traceback_rule,
        rules.internals_rule,
    )


def _faults(path: Path, shared: tuple[rules.Rule, ...]) -> list[str]:
    if path.name == RUNTIME_NAME:  # a library's own code, the same in every book
        return []
    if path.suffix == ".pdf":
        words = pdf_text(path)
        return [fault for rule in shared for fault in rule(words)]
    if path.suffix not in TEXT_TYPES:
        harmless = path.suffix == ".png" and path.parent.name == "_static"
        return [] if harmless else ["cannot be read, so not checked"]
    text = path.read_text(encoding="utf-8")
    return [fault for rule in (*shared, *_own_rules(path)) for fault in rule(text)]


def _own_rules(path: Path) -> tuple[rules.Rule, ...]:
    if path.suffix == ".csv":
        return (rules.csv_columns_rule,)
    if path.suffix in PAGE_TYPES:
        return (rules.page_columns_rule, rules.loads_rule)
    return ()
