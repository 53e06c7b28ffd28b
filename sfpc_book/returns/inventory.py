"""Which workbooks lie in a folder of returns, and whose they are."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sfpc_book.contracts.finding import Finding, Severity, Status
from sfpc_book.errors import ReturnsError
from sfpc_book.returns.correction import Correction
from sfpc_book.returns.names import FORM, SUFFIXES, ReturnFile, UnreadName, asked_months, read_name
from sfpc_book.study.study import Study

# Roles whose workbooks are read; those of others are listed and left alone, unless a sample asks for them.
ROLES_READ = ("trial", "pilot")
# Why those of the other roles are not, in words.
ROLES_NOT_READ = {
    "left": "withdrew from the trial",
    "innovator": "brought a model to the programme and is in no trial",
    "earlier_adopter": "adopted a model before the programme and is in no trial",
}
NOBODYS, NON_MEMBERS = "file_name", "file_of_non_member"
NOT_RETURNS = ("manifest.json", "truth.csv", "answer_key.csv", "corrections.yml")


@dataclass(frozen=True)
class Inventory:
    """The workbooks of a folder. `findings` name every file that is nobody's, doubtful or left alone.

    `unread` are the workbooks that are nobody's; `held` says of files in an authority's folder whose it is.
    """

    folder: Path
    files: tuple[ReturnFile, ...]
    findings: tuple[Finding, ...]
    unread: tuple[UnreadName, ...] = ()
    held: frozenset[tuple[str, str]] = frozenset()

    def of(self, slug: str) -> tuple[ReturnFile, ...]:
        """An authority's workbooks in the order of month and name."""
        return tuple(sorted((file for file in self.files if file.slug == slug), key=lambda file: file.order))

    def findings_of(self, slug: str) -> tuple[Finding, ...]:
        """The findings about an authority's files, and about files of nobody whose returns are read: those in
        the authority's folder, and those in no authority's."""
        return tuple(
            finding for finding in self.findings if finding.authority == slug or self._is_stray(finding, slug)
        )

    def _is_stray(self, finding: Finding, slug: str) -> bool:
        if finding.authority is not None and finding.check != NON_MEMBERS:
            return False
        holders = {holder for name, holder in self.held if name == finding.file}
        return not holders or slug in holders


def is_synthetic(folder: Path) -> bool:
    """Whether the manifest of a folder says that its data are synthetic; a folder without one is real."""
    return bool(_manifest(folder).get("synthetic"))


def comparable_with(folder: Path) -> frozenset[str]:
    """With what the referrals and totals of a folder can be compared: `totals`, `published`.

    Real returns can be with both; synthetic ones with what `comparable` in their manifest lists, if anything.
    """
    manifest = _manifest(folder)
    return frozenset(manifest.get("comparable", ()) if manifest.get("synthetic") else ("totals", "published"))


def _manifest(folder: Path) -> Mapping[str, object]:
    path = folder / "manifest.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def read_inventory(study: Study, folder: Path, corrections: Iterable[Correction] = ()) -> Inventory:
    """List the workbooks below a folder with the authority, layer and month that each name says.

    Raises
    ------
    ReturnsError
        If the folder is missing, holds no workbook, or none that can be given to an authority of the study.
    """
    paths = _workbooks(folder)
    aliases = [part for part in corrections if part.action == "alias_authority"]
    read = [_read_name(path, study, aliases) for path in paths]
    files = tuple(name for name in read if isinstance(name, ReturnFile))
    unread = tuple(name for name in read if isinstance(name, UnreadName))
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
    held = frozenset(
        (path.name, path.parent.name) for path in _visible(folder) if path.parent.name in study.authorities
    )
    return Inventory(folder, tuple(_kept(study, files)), tuple(findings), unread, held)


def _read_name(path: Path, study: Study, aliases: Sequence[Correction]) -> ReturnFile | UnreadName:
    """What a name says; an alias counts only where its correction reaches the layer and month."""
    spellings = {str(part.spelling): part.authority for part in aliases}
    name = read_name(path, study.authorities, spellings)
    if isinstance(name, ReturnFile) and name.alias:
        here = [part for part in aliases if part.reaches(layer=name.layer, month=name.month)]
        return read_name(path, study.authorities, {str(part.spelling): part.authority for part in here})
    return name


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


def likely_owner(study: Study, name: UnreadName) -> str | None:
    """The authority in whose folder a workbook lies, or else the one whose slug is near, if one is."""
    holder = name.path.parent.name
    return holder if holder in study.authorities else name.nearest


def _unread_finding(study: Study, name: UnreadName) -> Finding:
    """Blocks the likely owner; a file that is near nobody marks every authority."""
    slug = likely_owner(study, name)
    return _finding(NOBODYS, name.path, slug, "fail", "block" if slug else "mark", name.text)


def _name_findings(study: Study, files: Iterable[ReturnFile]) -> list[Finding]:
    findings = []
    for file in files:
        role = study.authorities[file.slug].role
        if role not in ROLES_READ:
            samples = [f"“{sample.name}”" for sample in study.samples.values() if sample.with_left]
            asked = file.slug in study.left_asked_for()
            use = f"read for the sample {', '.join(samples)} only" if asked else "left alone"
            text = f"{study.authorities[file.slug].name} {ROLES_NOT_READ[role]}: the file is {use}"
            findings.append(_finding(NON_MEMBERS, file.path, file.slug, "info", "note", text))
            continue
        holder = file.path.parent.name
        if holder in study.authorities and holder != file.slug:
            text = f"it lies in the folder of '{holder}', and its name says '{file.slug}'; rename or move it"
            findings.append(_finding("file_folder", file.path, file.slug, "fail", "mark", text, file.layer))
        if file.rest:
            text = f"the name goes on after the month with '{file.rest}'; read with the others of that return"
            findings.append(
                _finding("file_name_suffix", file.path, file.slug, "info", "note", text, file.layer)
            )
        asked = asked_months(study)[file.layer]
        if file.month not in asked:
            allowed = ", ".join(asked)
            text = (
                f"a {file.layer} return of {file.month} was not asked for (asked for: {allowed}); it is read"
            )
            findings.append(_finding("file_month", file.path, file.slug, "fail", "note", text, file.layer))
    return findings


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
    return Finding(
        check, path.name, status, severity, None, None, "files", text, slug, layer, path.name, count=1
    )
