"""Which workbooks lie in a folder of returns, and whose they are."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sfpc_book.contracts.finding import Finding, Severity, Status
from sfpc_book.errors import ReturnsError
from sfpc_book.returns.corrections import Correction
from sfpc_book.returns.names import FORM, SUFFIXES, ReturnFile, UnreadName, read_name
from sfpc_book.study.study import Study

# Roles whose workbooks are read; those of others are listed and left alone, unless a sample asks for them.
ROLES_READ = ("trial", "pilot")
NOBODYS = "file_name"
NOT_RETURNS = ("manifest.json", "truth.csv", "answer_key.csv", "corrections.yml")


@dataclass(frozen=True)
class Inventory:
    """The workbooks of a folder. `findings` name every file that is nobody's, doubtful or left alone."""

    folder: Path
    files: tuple[ReturnFile, ...]
    findings: tuple[Finding, ...]

    def of(self, slug: str) -> tuple[ReturnFile, ...]:
        """An authority's workbooks in the order of month and name."""
        return tuple(sorted((file for file in self.files if file.slug == slug), key=lambda file: file.order))

    def findings_of(self, slug: str) -> tuple[Finding, ...]:
        """The findings about an authority's files, and about workbooks that nobody can be given."""
        return tuple(
            finding
            for finding in self.findings
            if finding.authority == slug or (finding.authority is None and finding.check == NOBODYS)
        )


def is_synthetic(folder: Path) -> bool:
    """Whether the manifest of a folder says that its data are synthetic; a folder without one is real."""
    manifest = folder / "manifest.json"
    return manifest.is_file() and bool(json.loads(manifest.read_text(encoding="utf-8")).get("synthetic"))


def read_inventory(study: Study, folder: Path, corrections: Iterable[Correction] = ()) -> Inventory:
    """List the workbooks below a folder with the authority, layer and month that each name says.

    Raises
    ------
    ReturnsError
        If the folder is missing, holds no workbook, or none that can be given to an authority of the study.
    """
    paths = _workbooks(folder)
    aliases = {part.spelling: part.authority for part in corrections if part.action == "alias_authority"}
    read = [read_name(path, study.authorities, aliases) for path in paths]
    files = tuple(name for name in read if isinstance(name, ReturnFile))
    unread = [name for name in read if isinstance(name, UnreadName)]
    if not files:
        problems = [f"{name.path.name}: {name.text}" for name in unread]
        raise ReturnsError(
            f"None of the {len(paths)} workbooks in {folder} can be given to an authority", problems
        )
    findings = [
        *(_unread_finding(study, name) for name in unread),
        *_name_findings(study, files),
        *_strangers(folder, paths),
    ]
    return Inventory(folder, tuple(_kept(study, files)), tuple(findings))


def _workbooks(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise ReturnsError(
            f"There is no folder of returns at {folder}. Name one in study.yml or with --returns."
        )
    paths = [path for path in _visible(folder) if path.suffix.lower() in SUFFIXES]
    if not paths:
        raise ReturnsError(f"The folder {folder} holds no workbooks. Put files there named {FORM}.")
    return paths


def _visible(folder: Path) -> list[Path]:
    """Files below a folder but hidden ones and the lock files that Excel leaves."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(
        path
        for path in found
        if not any(part.startswith((".", "~$")) for part in path.relative_to(folder).parts)
    )


def _kept(study: Study, files: Iterable[ReturnFile]) -> list[ReturnFile]:
    asked_for = study.left_asked_for()
    return [
        file for file in files if study.authorities[file.slug].role in ROLES_READ or file.slug in asked_for
    ]


def _strangers(folder: Path, workbooks: Iterable[Path]) -> list[Finding]:
    others = set(_visible(folder)) - set(workbooks)
    strange = sorted(path for path in others if path.name not in NOT_RETURNS)
    text = f"not a workbook, left alone; workbooks end in {', '.join(SUFFIXES)}"
    return [_finding("file_type", path, None, "info", "note", text) for path in strange]


def _unread_finding(study: Study, name: UnreadName) -> Finding:
    """Blocks the authority in whose folder the file lies, or else the one whose slug is nearest; a file that
    is near nobody marks every authority."""
    holder = name.path.parent.name
    slug = holder if holder in study.authorities else name.nearest
    return _finding(NOBODYS, name.path, slug, "fail", "block" if slug else "mark", name.text)


def _name_findings(study: Study, files: Iterable[ReturnFile]) -> list[Finding]:
    findings = []
    for file in files:
        role = study.authorities[file.slug].role
        if role not in ROLES_READ:
            samples = [name for name, sample in study.samples.items() if sample.with_left]
            use = (
                f"read for {', '.join(samples)} only" if file.slug in study.left_asked_for() else "left alone"
            )
            text = f"the role of '{file.slug}' is '{role}': the file is {use}"
            findings.append(_finding("file_of_non_member", file.path, file.slug, "info", "note", text))
            continue
        if file.rest:
            text = f"the name goes on after the month with '{file.rest}'; read with the others of that return"
            findings.append(
                _finding("file_name_suffix", file.path, file.slug, "info", "note", text, file.layer)
            )
        if file.month not in _months(study)[file.layer]:
            allowed = ", ".join(_months(study)[file.layer])
            text = (
                f"a {file.layer} return of {file.month} was not asked for (asked for: {allowed}); it is read"
            )
            findings.append(_finding("file_month", file.path, file.slug, "fail", "note", text, file.layer))
    return findings


def _months(study: Study) -> Mapping[str, tuple[str, ...]]:
    months = study.returns.months
    return {"dr1": months, "dr2": months, "dr3": (study.returns.outcome_month,)}


def _finding(
    check: str,
    path: Path,
    slug: str | None,
    status: Status,
    severity: Severity,
    text: str,
    layer: str | None = None,
) -> Finding:
    text = f"{path.name}: {text}"
    return Finding(check, path.name, status, severity, None, None, "", text, slug, layer, path.name)
