"""What must not be in a published file: one small function per rule, each giving the faults it finds in a
text.

No fault repeats the offending value: it names the kind and how often it occurs.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable

TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
NUMBER_WITH_FRACTION = re.compile(r"\d+\.\d+")
MACHINE_PATH = re.compile(
    r"(?<![\w.:/])/(?:home|root|work|tmp|Users|private|mnt|var|builds)/[\w.-]|[A-Z]:\\\\?Users"
)
EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
TRACEBACK = re.compile(
    r"Traceback \(most recent call last\)|File (?:\"|&quot;)[^\"&]+(?:\"|&quot;), line \d+"
)
INTERNAL_TYPE = re.compile(r"application/vnd\.(?:sfpc|jupyter)[\w.+-]*")
ELSEWHERE = r"[\"']?(?:https?:)?//"
PAGE_LOAD = re.compile(
    r"<(?:script|img|iframe|embed|source|video|audio|object|image|use)\b[^>]*?"
    rf"\b(?:src|srcset|data|href|xlink:href)={ELSEWHERE}"
    rf"|<link\b(?![^>]*rel=[\"']?canonical)[^>]*href={ELSEWHERE}",
    re.IGNORECASE,
)
STYLE_LOAD = re.compile(r"url\(\s*[\"']?(?:https?:)?//|@import", re.IGNORECASE)
SPEC_LOAD = re.compile(r"\"url\"\s*:\s*\"")
SPEC_KEY = re.compile(r"\"([a-z_]+)\"\s*:")
HEADER_CELL = re.compile(r"<th\b[^>]*scope=\"col\"[^>]*>\s*([^<]+?)\s*</th>")

# Columns of child-level tables. A data dictionary may name them; no published table, chart or file may have
# them.
CHILD_COLUMNS = frozenset(
    {
        "child_id",
        "child_key",
        "referral_id",
        "birth_month",
        "birth_marker",
        "date_of_birth",
        "upn",
    }
)
# An identifier made of digits alone may equal a count by chance; from this length on it does not.
SHORTEST_NUMERIC = 7

Rule = Callable[[str], list[str]]


def identifier_rule(identifiers: Iterable[str]) -> Rule:
    """Finds identifiers of children as whole words."""
    known = frozenset(name for name in identifiers if not name.isdigit() or len(name) >= SHORTEST_NUMERIC)

    def rule(text: str) -> list[str]:
        words = set(TOKEN.findall(NUMBER_WITH_FRACTION.sub(" ", text)))
        return _told(len(words & known), "identifier of a child or referral")

    return rule


def sentinel_rule(sentinels: Iterable[str]) -> Rule:
    """Finds texts planted in child-level data for this very test."""
    planted = tuple(sentinels)
    return lambda text: _told(sum(sentinel in text for sentinel in planted), "planted sentinel")


def machine_rule(folders: Iterable[str]) -> Rule:
    """Finds paths of the machine that built the book."""
    own = tuple(folder for folder in folders if len(folder) > 3)

    def rule(text: str) -> list[str]:
        found = len(MACHINE_PATH.findall(text)) + sum(text.count(folder) for folder in own)
        return _told(found, "path of the machine")

    return rule


def person_rule(allowed: Iterable[str]) -> Rule:
    """Finds email addresses other than the published contacts."""
    contacts = frozenset(allowed)
    return lambda text: _told(len(set(EMAIL.findall(text)) - contacts), "email address")


def traceback_rule(text: str) -> list[str]:
    """Finds what a program prints when it fails."""
    return _told(len(TRACEBACK.findall(text)), "traceback")


def internals_rule(text: str) -> list[str]:
    """Finds forms of output that are meant for the build alone."""
    return _told(len(INTERNAL_TYPE.findall(text)), "internal output type")


def loads_rule(text: str) -> list[str]:
    """Finds scripts, styles, pictures and data that a page would load from elsewhere."""
    found = sum(len(pattern.findall(text)) for pattern in (PAGE_LOAD, STYLE_LOAD, SPEC_LOAD))
    return _told(found, "file that the page would load from outside")


def page_columns_rule(text: str) -> list[str]:
    """Finds child-level columns as table headings or in a chart's data."""
    names = {*HEADER_CELL.findall(text), *SPEC_KEY.findall(text)}
    return _told(len(names & CHILD_COLUMNS), "child-level column in a table or chart")


def csv_columns_rule(text: str) -> list[str]:
    """Finds child-level columns in the header of a data file."""
    header = next(csv.reader(text.splitlines()[:1]), [])
    names = {name.strip().lower() for name in header}
    return _told(len(names & CHILD_COLUMNS), "child-level column in a data file")


def _told(count: int, kind: str) -> list[str]:
    return [f"{kind} ({count} found)"] if count else []
