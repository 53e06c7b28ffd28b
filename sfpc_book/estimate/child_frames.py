"""From frames of children and their outcomes to the arrays that child-level models take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.child_models import Children
from sfpc_book.estimate.covariates import (
    MISSING,
    Covariate,
    columns_of,
    covariates_of,
    enough_children,
    independent,
    join_rare,
)
from sfpc_book.estimate.estimate import not_estimable
from sfpc_book.estimate.imputation import impute
from sfpc_book.study.registries import Imputation, MissingData

MAIN_EXPOSURE = "go_live"
NO_COMPLETE_CASE = not_estimable("no child with complete covariates")
NO_CHILD = not_estimable("no child with an observed outcome")
DO_NOT_FIT = "Children and outcomes do not fit together:"
REQUIRED = (
    ("children", ("child_key", "authority", "period")),
    ("outcomes", ("child_key", "value", "state", "observable_from")),
)


@dataclass(frozen=True)
class ChildSlice:
    """The children of a sample with an observed outcome, and how many are not observed yet.

    `frame` has one row a child, sorted by `child_key`: authority, period, exposed (0/1), value, covariates.
    `n_followed` counts those observed and those found outside the outcome's population.
    """

    frame: pd.DataFrame
    n_not_observed: int
    n_followed: int
    binary: bool

    @property
    def observed_share(self) -> float:
        """As in the panel: followed among followed and not yet observed; NaN if there are none."""
        known = self.n_followed + self.n_not_observed
        return self.n_followed / known if known else float("nan")


@dataclass(frozen=True)
class Prepared:
    """Data sets ready for a model: one, or several imputed ones. None where `status` is not `ok`."""

    status: str
    sets: tuple[Children, ...] = ()


def exposure_column(exposure: str, horizon: int) -> str:
    """Column of the children that holds exposure by a definition."""
    return "exposed" if exposure == MAIN_EXPOSURE else f"exposed_{exposure}_{horizon}"


def child_slice(
    children: pd.DataFrame,
    outcomes: pd.DataFrame,
    *,
    sample: str,
    exposure: str,
    horizon: int,
    covariates: Sequence[str],
    binary: bool,
) -> ChildSlice:
    """Children of a sample whose exposure is known, with one outcome at one horizon.

    Parameters
    ----------
    children
        One row a child: child_key, authority, period, `in_<sample>` (bool), `exposed` or
        `exposed_<definition>_<horizon>` (0, 1, or missing where it is not known), covariates.
    outcomes
        One row a child, of one outcome at one horizon: child_key, value, state, observable_from.

    Raises
    ------
    EstimationError
        With every column that is not there, every child that occurs twice, every outcome of an unknown child.
    """
    column, member = exposure_column(exposure, horizon), f"in_{sample}"
    place = _places(children, outcomes, (column, member, *covariates))
    own = children.iloc[place].reset_index(drop=True)
    asked = own[member].to_numpy(bool) & own[column].notna().to_numpy()
    state = outcomes["state"].astype(str).to_numpy()
    seen = np.flatnonzero(asked & (state == "observed"))
    seen = seen[np.argsort(own["child_key"].to_numpy(object)[seen])]
    frame = own.iloc[seen].reset_index(drop=True)[["authority", "period", column, *covariates]]
    return ChildSlice(
        frame=frame.rename(columns={column: "exposed"}).assign(value=outcomes["value"].to_numpy(float)[seen]),
        n_not_observed=int((asked & (state == "not_observed")).sum()),
        n_followed=int((asked & _followed(outcomes).to_numpy()).sum()),
        binary=binary,
    )


def as_followed_longest(outcomes: pd.DataFrame) -> pd.DataFrame:
    """The outcomes of children followed to the longest horizon; others take the state that they have there.

    Of one outcome at all its horizons, with columns child_key, horizon, state, observable_from.
    """
    longest = outcomes[outcomes["horizon"] == outcomes["horizon"].max()]
    absent = longest[~_followed(longest)].set_index("child_key")["state"].astype(str)
    there = outcomes["child_key"].map(absent)
    return outcomes.assign(state=there.where(there.notna(), outcomes["state"].astype(str)))


def _followed(outcomes: pd.DataFrame) -> pd.Series:
    """Observed, or found by then to be outside the outcome's population."""
    state = outcomes["state"].astype(str)
    return (state == "observed") | ((state == "not_applicable") & outcomes["observable_from"].notna())


def _places(children: pd.DataFrame, outcomes: pd.DataFrame, more: Sequence[str]) -> np.ndarray:
    """Row among the children of each outcome's child; faults are raised, all at once."""
    problems = [
        f"{name} lack column '{column}'"
        for (name, columns), frame in zip(REQUIRED, (children, outcomes), strict=True)
        for column in (*columns, *(more if name == "children" else ()))
        if column not in frame
    ]
    if problems:
        raise EstimationError(DO_NOT_FIT, problems)
    keys, asked = (pd.Index(frame["child_key"].to_numpy(object)) for frame in (children, outcomes))
    for name, index in (("children", keys), ("outcomes", asked)):
        if not index.is_unique:
            twice = int(index.duplicated().sum())
            problems.append(f"{name}: {twice} rows of a child that has one already")
    strangers = int((~asked.isin(keys)).sum())
    if strangers:
        problems.append(f"outcomes: {strangers} rows of children that are not among them")
    if problems:
        raise EstimationError(DO_NOT_FIT, problems)
    return keys.get_indexer(asked)


def prepare(
    part: ChildSlice,
    names: Sequence[str],
    rule: MissingData,
    *,
    fewest: int,
    imputation: Imputation | None = None,
) -> Prepared:
    """Turn children into data sets by a rule for missing covariates.

    `complete_case` leaves out children with a missing covariate; `missing_indicator` takes missing as a level
    of its own; `multiple_imputation` fills in, several times, with authority, period, exposure and outcome
    among what predicts. Levels are joined and columns dropped as `covariates` says, `fewest` being its limit.
    """
    if part.frame.empty:
        return Prepared(NO_CHILD)
    coded = covariates_of(part.frame, names, missing_is_a_level=rule == "missing_indicator")
    if rule == "complete_case":
        kept = _complete(coded, len(part.frame))
        if not kept.any():
            return Prepared(NO_COMPLETE_CASE)
        part = replace(part, frame=part.frame[kept])
        coded = {name: replace(item, codes=item.codes[kept]) for name, item in coded.items()}
    children = _without_covariates(part.frame)
    enough = enough_children(children.outcome, binary=part.binary, fewest=fewest)
    coded = {name: join_rare(item, enough) for name, item in coded.items()}
    if rule == "multiple_imputation":
        return _imputed(children, coded, imputation or Imputation())
    return Prepared("ok", (_with_columns(children, columns_of(coded, len(children.outcome))),))


def _complete(coded: Mapping[str, Covariate], n: int) -> np.ndarray:
    """Which children have a known level of every covariate. Boolean (n,)."""
    return np.column_stack([np.ones((n, 1), bool), *(item.codes != MISSING for item in coded.values())]).all(
        1
    )


def _without_covariates(frame: pd.DataFrame) -> Children:
    return Children(
        outcome=frame["value"].to_numpy(float),
        exposed=frame["exposed"].to_numpy(float),
        cluster=frame["authority"].astype(str).to_numpy(dtype=object),
        period=frame["period"].to_numpy(int),
        weight=np.ones(len(frame)),
        covariates=np.zeros((len(frame), 0)),
    )


def _with_columns(children: Children, columns: np.ndarray) -> Children:
    """The children with those columns that authorities, periods and columns before do not add up to."""
    effects = children.fixed_effects()[:, 1:]
    return replace(children, covariates=columns[:, independent(effects, columns)])


def _imputed(children: Children, coded: Mapping[str, Covariate], imputation: Imputation) -> Prepared:
    try:
        return Prepared("ok", tuple(_imputed_sets(children, coded, imputation)))
    except EstimationError as error:
        return Prepared(not_estimable("; ".join(error.problems) or error.message.rstrip(":")))


def _imputed_sets(
    children: Children, coded: Mapping[str, Covariate], imputation: Imputation
) -> Iterator[Children]:
    """Data sets with every covariate filled in, all with the same columns: those that the first needs."""
    n = len(children.outcome)
    known = {name: item for name, item in coded.items() if (item.codes != MISSING).all()}
    gaps = {name: item.codes for name, item in coded.items() if name not in known}
    plain = _with_columns(children, columns_of(known, n))
    fixed = np.column_stack([plain.fixed_effects(), plain.outcome])
    fixed = fixed[:, independent(np.ones((n, 1)), fixed)]
    kept: np.ndarray | None = None
    for filled in impute(gaps, fixed, np.random.default_rng(imputation.seed), number=imputation.number):
        done = {
            name: replace(item, codes=filled[name]) if name in filled else item
            for name, item in coded.items()
        }
        columns = columns_of(done, n)
        kept = independent(children.fixed_effects()[:, 1:], columns) if kept is None else kept
        yield replace(children, covariates=columns[:, kept])
