"""Each comparison that is asked for: an outcome, a group of adopters, a rule for their first year."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sfpc_book.estimate.cells import Cells
from sfpc_book.estimate.estimate import NAN, Estimate
from sfpc_book.published.comparison import Comparison
from sfpc_book.published.geography import Geography
from sfpc_book.published.matching import Pool, adopters, never_adopters, outcome_matrix
from sfpc_book.published.sources import Published
from sfpc_book.study.study import Study

ALL_MODELS = "all"


@dataclass(frozen=True)
class Case:
    """One comparison's adopters, pool and outcomes, and what its rows in the tidy table have in common."""

    outcome: str
    unit: str
    treated_id: str
    rule: str
    model: str
    treated: pd.DataFrame
    matrix: pd.DataFrame
    pool: Pool
    truth: float
    data_status: str
    conf_level: float

    def estimate(self, analysis: str, comparators: str, status: str, **numbers: object) -> Estimate:
        """A tidy row of this case; numbers that are not given are missing."""
        common = {
            "model": self.model,
            "outcome": self.outcome,
            "horizon": None,
            "analysis": analysis,
            "status": status,
            "sample": f"{self.treated_id} vs {comparators}",
            "exposure": self.rule,
            "estimand": "average_effect_on_adopters",
            "term": "adopted",
            "conf_level": self.conf_level,
            "unit": self.unit,
            "truth": self.truth,
            "data_status": self.data_status,
            "n_clusters": len(self.treated) + len(self.pool.codes),
            "n_periods": self.matrix.shape[1],
        }
        return Estimate(**{**common, **numbers})  # type: ignore[arg-type]

    def first_years(self) -> dict[str, int]:
        return dict(zip(self.treated["authority_code"], self.treated["first_year"], strict=True))


def cases(study: Study, published: Published, comparison: Comparison, geography: Geography) -> Iterator[Case]:
    """All adopters under each rule, and each practice model under the main rule, which is the first."""
    main_rule = comparison.adoption_year[0].rule
    for outcome in comparison.outcomes:
        matrix = outcome_matrix(published.series, outcome, comparison.years.first, comparison.years.last)
        base = Case(
            outcome=outcome,
            unit=str(published.series.loc[published.series["measure"] == outcome, "unit"].iloc[0]),
            treated_id="",
            rule="",
            model=ALL_MODELS,
            treated=pd.DataFrame(),
            matrix=matrix,
            pool=never_adopters(study, matrix, comparison, geography),
            truth=NAN,
            data_status=published.data_status,
            conf_level=study.conf_level,
        )
        for group in comparison.treated:
            for rule in comparison.adoption_year:
                everyone = adopters(study, group, rule.rule)
                complete = matrix.reindex(everyone["authority_code"]).notna().all(axis=1).to_numpy()
                truth = published.truth.get(outcome, NAN) if rule.rule == main_rule else NAN
                case = replace(
                    base, treated_id=group.id, rule=rule.rule, treated=everyone[complete], truth=truth
                )
                yield case
                if rule.rule == main_rule:
                    yield from by_model(case, study)


def by_model(case: Case, study: Study) -> Iterator[Case]:
    """The same comparison for the adopters of each practice model."""
    for model in study.models:
        yield replace(case, model=model, treated=case.treated[case.treated["model"] == model])


def cells(case: Case, share: pd.Series) -> Cells:
    """Adopters (weight 1) and comparators (`share`, by code) as cells of the two-way panel model."""
    first = case.first_years()
    weight = {**dict.fromkeys(first, 1.0), **share.to_dict()}
    codes = sorted(weight)
    years = case.matrix.columns.to_numpy(dtype="int64")
    begun = np.array([first.get(code, years[-1] + 1) for code in codes])
    exposure_time = np.maximum(years[None, :] - begun[:, None] + 1, 0).ravel()
    return Cells(
        authorities=tuple(codes),
        periods=tuple(int(year) for year in years),
        authority=np.repeat(np.arange(len(codes)), len(years)),
        period=np.tile(years, len(codes)),
        exposed=(exposure_time > 0).astype("float64"),
        exposure_time=exposure_time,
        weight=np.repeat([weight[code] for code in codes], len(years)).astype("float64"),
        mean=case.matrix.loc[codes].to_numpy(dtype="float64").ravel(),
        n_empty=0,
    )


def long_panel(case: Case) -> pd.DataFrame:
    """unit, year, outcome, first_year (0 = never) of the adopters and the whole pool."""
    first = case.first_years()
    chosen = case.matrix.loc[[*first, *case.pool.codes]].rename_axis("unit")
    long = chosen.reset_index().melt(id_vars="unit", var_name="year", value_name="outcome")
    return long.assign(
        year=long["year"].astype("int64"), first_year=long["unit"].map(first).fillna(0).astype("int64")
    )
