"""What a row of the registry of analyses may ask of the panel sensitivities, checked before anything runs."""

from __future__ import annotations

from collections.abc import Iterator

from sfpc_book.errors import StudyDefinitionError
from sfpc_book.estimate.cell_methods import DESIGN_METHODS, LEAVE_OUT, METHODS, PANEL_METHODS
from sfpc_book.estimate.changes import CHANGES, COUNTS_DAYS, SEVERAL_EFFECTS
from sfpc_book.estimate.methods import METHODS as METHODS_OF_TABLES
from sfpc_book.estimate.scale_estimates import MODELS as MODELS_OF_SCALES
from sfpc_book.study.registries import Analysis
from sfpc_book.study.schema import Study

CR2 = "panel_two_way_cr2"
KNOWN_METHODS = tuple(dict.fromkeys((*METHODS, *LEAVE_OUT, *METHODS_OF_TABLES, *MODELS_OF_SCALES)))


def panel_sensitivities(study: Study) -> tuple[Analysis, ...]:
    """The rows that are a change of the panel model, or another estimator on the same cells.

    Raises
    ------
    StudyDefinitionError
        Naming every row that asks for an unknown change or method, or for a combination that does not exist,
        with what is allowed.
    """
    problems = [problem for row in study.analyses.values() for problem in _faults(row)]
    if problems:
        raise StudyDefinitionError("The study names analyses that have no definition", problems)
    return tuple(row for row in study.analyses.values() if _is_sensitivity(row))


def _is_sensitivity(row: Analysis) -> bool:
    own = row.estimator in (*DESIGN_METHODS, *LEAVE_OUT) or row.method in PANEL_METHODS
    return row.change is not None or own


def _faults(row: Analysis) -> Iterator[str]:
    where, method = f"analysis '{row.id}'", row.estimator
    if row.method is not None and row.method not in KNOWN_METHODS:
        yield f"{where}: unknown method '{row.method}'; known: {', '.join(KNOWN_METHODS)}"
    if row.change is None:
        return
    if row.change not in CHANGES:
        yield f"{where}: unknown change '{row.change}'; known: {', '.join(CHANGES)}"
        return
    allowed = (CR2,) if row.change in SEVERAL_EFFECTS else tuple(PANEL_METHODS)
    if method not in allowed:
        yield f"{where}: change '{row.change}' needs a method; allowed: {', '.join(allowed)}"
    if row.change in COUNTS_DAYS and row.days is None:
        yield f"{where}: change '{row.change}' counts days, and says not how many: add days"
    if row.change not in COUNTS_DAYS and row.days is not None:
        yield f"{where}: change '{row.change}' counts no days: take days out"
