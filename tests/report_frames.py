"""Small hand-made frames in the shapes that chapters read, for the tests of the report."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
from calibration_frames import write_calibration
from scale_frames import write_scales

from sfpc_book.cohort.sample import INCLUDED, STEPS, flow_table
from sfpc_book.contracts.finding import Finding, write_findings
from sfpc_book.estimate.estimate import Estimate, combine
from sfpc_book.study.study import Study
from sfpc_book.study.wedge import wedge_of

MODEL = "family_safeguarding"
SCALE = {"binary": 0.06, "days": 60.0, "share": 0.05, "count": 2.0}


def estimate(study: Study, outcome: str = "looked_after", horizon: int = 18, **changes: object) -> Estimate:
    """A main-model row with a plausible interval; `changes` replace fields."""
    scale = SCALE[study.outcomes[outcome].scale]
    fields = {
        "model": MODEL,
        "outcome": outcome,
        "horizon": horizon,
        "analysis": "panel_two_way",
        "status": "ok",
        "estimate": -0.1 * scale,
        "std_error": 0.1 * scale,
        "df": 4.0,
        "statistic": -1.0,
        "p_value": 0.37,
        "conf_low": -0.4 * scale,
        "conf_high": 0.2 * scale,
        "n_children": 5103,
        "n_events": 257,
        "n_clusters": 5,
        "n_periods": 6,
        "unit": study.outcomes[outcome].unit,
        "reference": "t",
    }
    return Estimate(**{**fields, **changes})  # type: ignore[arg-type]


def exact(study: Study, outcome: str = "looked_after", **changes: object) -> Estimate:
    """An exact test with twelve orders, whose interval has no ends."""
    fields = {
        "analysis": "randomisation",
        "std_error": math.nan,
        "df": math.nan,
        "p_value": 2 / 12,
        "conf_low": -math.inf,
        "conf_high": math.inf,
        "n_orders": 12,
        "p_minimum": 1 / 12,
        "level_maximum": 11 / 12,
        "missing_information": float("nan"),
        "reference": "exact randomisation",
    }
    return estimate(study, outcome, **{**fields, **changes})


def missing(study: Study, status: str = "not_observed", **changes: object) -> Estimate:
    """A row without a number."""
    none = dict.fromkeys(
        ("estimate", "std_error", "df", "statistic", "p_value", "conf_low", "conf_high"), math.nan
    )
    return estimate(study, **{**none, "status": status, **changes})


def estimates(study: Study) -> pd.DataFrame:
    """Main, exact and curve rows of one outcome, another outcome, and the longer horizon not observed."""
    curve = [
        estimate(
            study,
            analysis="exposure_time",
            term=f"exposure_time_{time}",
            estimate=-0.004 * time,
            conf_low=-0.02 * time,
            conf_high=0.01,
        )
        for time in range(1, 5)
    ]
    gap = missing(study, "not_identified", analysis="exposure_time", term="exposure_time_5", identified=False)
    later = missing(study, horizon=36, observable_from=pd.Timestamp("2025-11-24"))
    attainable = exact(
        study, analysis="randomisation_attainable", conf_low=-0.03, conf_high=0.012, conf_level=11 / 12
    )
    return combine(
        [estimate(study), exact(study), attainable, *curve, gap, later, estimate(study, "days_on_plan")]
    )


def write_build(study: Study, folder: Path) -> Path:
    """A build folder with the aggregates that chapters read: small, seeded, synthetic."""
    rng = np.random.default_rng(20240331)
    (folder / "results").mkdir(parents=True)
    status = {"returns": "synthetic", "published": "synthetic"}
    (folder / "data_status.json").write_text(json.dumps(status), encoding="utf-8")
    for model in study.models:
        _write_cohort(study, model, folder / "cohort" / model, rng)
        _write_estimates(study, model, folder / "estimates" / model)
        for slug in study.models[model].trial_authorities:
            _write_returns(slug, folder / "returns" / slug, rng)
    write_calibration(study, folder)
    return folder


def _write_estimates(study: Study, model: str, folder: Path) -> None:
    """Estimates that steps make before any chapter: of children's rows, and sensitivities."""
    from report_rows import child_rows, sensitivity_rows

    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in (("child_models", child_rows), ("sensitivity", sensitivity_rows)):
        rows(study, model).to_csv(folder / f"{name}.csv", index=False, date_format="%Y-%m-%d")


def _write_cohort(study: Study, model: str, folder: Path, rng: np.random.Generator) -> None:
    folder.mkdir(parents=True)
    slugs = wedge_of(study, model).authorities
    panel = panel_frame(study, model, rng)
    alike = panel[panel["period"] < wedge_of(study, model).n_periods - 2].assign(sample="followed_longest")
    pd.concat([panel, alike]).to_parquet(folder / "panel.parquet", index=False)
    write_scales(study, model, panel, _observability(panel), folder.parents[1])
    tables = {
        "flow": pd.concat([flow_frame(model, slug, rng) for slug in slugs]),
        "allocation": allocation_frame(study, model, rng),
        "samples": samples_frame(study, model),
        "exposures": exposures_frame(study, model),
        "descriptives": descriptives_frame(model, slugs, rng),
        "missingness": missingness_frame(model, slugs, rng),
        "patterns": patterns_frame(model, slugs),
        "observability": _observability(panel),
        "excluded_authorities": pd.DataFrame(columns=["model", "authority", "reason"]),
        "marked_authorities": pd.DataFrame(
            [(slugs[0], "key; missing", 3, model)], columns=["authority", "checks", "n_findings", "model"]
        ),
    }
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)


def panel_frame(study: Study, model: str, rng: np.random.Generator) -> pd.DataFrame:
    """A panel of every outcome and horizon; the later horizon is not observed in the last two periods."""
    wedge = wedge_of(study, model)
    base = wedge.design_table().drop(columns="period_end")
    size = rng.integers(150, 500, len(base))
    parts = []
    for outcome in study.models[model].outcomes:
        for horizon in study.horizons:
            scale = study.outcomes[outcome].scale
            late = (horizon == 36) & (base["period"] >= wedge.n_periods - 2)
            n = np.where(late, 0, size)
            share = 0.08 * (1 - 0.2 * base["exposed"])
            total = (
                rng.binomial(n, share)
                if scale == "binary"
                else n * SCALE[scale] * rng.uniform(0.9, 1.1, len(n))
            )
            parts.append(
                base.assign(
                    model=model,
                    sample="main",
                    exposure="go_live",
                    outcome=outcome,
                    horizon=horizon,
                    n_children=n,
                    n_events=total.astype(float) if scale == "binary" else math.nan,
                    value_sum=total.astype(float),
                    value_mean=np.divide(total, n, out=np.full(len(n), math.nan), where=n > 0),
                    n_not_observed=np.where(late, size, 0),
                    n_not_linked=rng.integers(0, 9, len(n)),
                    n_not_applicable=0,
                    n_value_missing=0,
                )
            )
    return pd.concat(parts, ignore_index=True)


def flow_frame(model: str, slug: str, rng: np.random.Generator, size: int = 900) -> pd.DataFrame:
    """The flow of one authority, most records ending in the sample."""
    boxes = [box for step in STEPS for box in step.excluded]
    chances = np.array([0.75, *[0.25 / len(boxes)] * len(boxes)])
    return flow_table(pd.Series(rng.choice([INCLUDED, *boxes], size=size, p=chances)), model, slug)


def allocation_frame(study: Study, model: str, rng: np.random.Generator) -> pd.DataFrame:
    """Children of each authority and period, some cells small."""
    wedge = wedge_of(study, model)
    table = wedge.design_table().drop(columns="exposure_time")
    go_live = table["authority"].map(dict(wedge.go_live))
    n = rng.integers(5, 200, len(table))
    return table.assign(
        model=model,
        go_live=pd.to_datetime(go_live),
        sequence=pd.factorize(go_live, sort=True)[0] + 1,
        n_children=n,
        n_linked=n - 3,
    )


def samples_frame(study: Study, model: str, **changes: list) -> pd.DataFrame:
    """Every sample of the study, each smaller than the one before, the one with Leicester not available."""
    size = [1000 - 50 * place for place in range(len(study.samples))]
    absent = [name == "with_leicester" for name in study.samples]
    counts = {"children": 1.0, "exposed": 0.4, "unexposed": 0.6, "linked": 0.95}
    numbers = {f"n_{name}": [n * share for n in size] for name, share in counts.items()}
    distances = {f"distance_{name}": [math.nan, *[20.0] * (len(size) - 1)] for name in counts}
    frame = pd.DataFrame(
        {"model": model, "authority": "all", "sample": list(study.samples)} | numbers | distances
    )
    frame.loc[absent, [*numbers, *distances]] = math.nan
    frame["state"] = np.where(absent, "not_available", "available")
    frame["reason"] = np.where(absent, "leicester: no referral return", "")
    return frame.assign(**changes)


def exposures_frame(study: Study, model: str, **changes: list) -> pd.DataFrame:
    """Every definition of exposure at every horizon, each with some children more exposed."""
    rows = [
        (
            model,
            "all",
            "main",
            name,
            horizon,
            1000,
            400 + 40 * place,
            600 - 40 * place,
            0,
            40 * place,
            0,
            40,
            40,
        )
        for place, name in enumerate(study.exposures)
        for horizon in study.horizons
    ]
    columns = [
        "model", "authority", "sample", "exposure", "horizon", "n_children", "n_exposed", "n_unexposed",
        "n_unknown", "n_gained", "n_lost", "distance_exposed", "distance_unexposed",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns).assign(**changes)


def descriptives_frame(model: str, slugs: tuple[str, ...], rng: np.random.Generator) -> pd.DataFrame:
    """Two covariates by exposure for each authority and for `all`, with some small counts."""
    rows = []
    for variable, levels in {
        "gender": ["Male", "Female", "missing"],
        "asylum": ["no", "yes", "missing"],
    }.items():
        for exposed in (0, 1):
            counts = {slug: rng.multinomial(300, [0.6, 0.37, 0.03]) for slug in slugs}
            counts["all"] = np.sum(list(counts.values()), axis=0)
            for slug, numbers in counts.items():
                total = int(numbers.sum())
                rows += [
                    (model, slug, exposed, variable, level, int(n), total)
                    for level, n in zip(levels, numbers, strict=True)
                ]
    return pd.DataFrame(rows, columns=["model", "authority", "exposed", "variable", "level", "n", "total"])


def patterns_frame(model: str, slugs: tuple[str, ...]) -> pd.DataFrame:
    """Combinations of missing covariates, some of few children."""
    counts = {
        "": 100, "gender": 8, "ethnicity": 12, "disability": 10, "factors": 40, "ethnicity; factors": 6,
        "gender; factors": 3, "disability; factors": 4, "gender; ethnicity": 1, "gender; disability": 1,
    }  # fmt: skip
    rows = [(model, slug, pattern, n) for slug in slugs for pattern, n in counts.items()]
    return pd.DataFrame(rows, columns=["model", "authority", "pattern", "n"])


def missingness_frame(model: str, slugs: tuple[str, ...], rng: np.random.Generator) -> pd.DataFrame:
    rows = [
        (model, slug, period, variable, int(rng.integers(0, 20)), 100)
        for slug in slugs
        for period in range(3)
        for variable in ("gender", "ethnicity")
    ]
    return pd.DataFrame(rows, columns=["model", "authority", "period", "variable", "n_missing", "n"])


def _observability(panel: pd.DataFrame) -> pd.DataFrame:
    keys = ["model", "outcome", "horizon", "authority"]
    table = panel.groupby(keys, sort=False, as_index=False)[["n_children", "n_not_observed"]].sum()
    return table.rename(columns={"n_children": "n_observed"}).assign(
        covered_to="2024-10-31",
        fully_observed_from="2025-11-24",
        n_not_linked=3,
        n_not_applicable=0,
        n_followed=lambda frame: frame["n_observed"],
        observed_share=lambda frame: frame["n_observed"] / (frame["n_observed"] + frame["n_not_observed"]),
    )


def finding(slug: str, status: str, severity: str = "mark", check: str = "missing_share") -> Finding:
    """A finding about one column."""
    return Finding(
        check,
        "dr2_referrals",
        status,
        severity,
        0.31,
        0.2,
        "share",
        "31% of ethnicity is missing",
        slug,
        "dr2",
        f"{slug}_dr2_nov22.xlsx",
        "DR2",
        4,
        "ethnicity",
        12,
    )  # type: ignore[arg-type]


def repairs() -> pd.DataFrame:
    """One declared correction, as reading writes it."""
    row = ("c1", "recode", "dr2", "nov22", "dr2_referrals", "gender", "walsall_dr2_nov22.xlsx", "DR2",
           "4 of 412 rows said so since 2021", "E-mail of 3 May 2022", "2022-05-04")  # fmt: skip
    names = (
        "id",
        "action",
        "layer",
        "return_month",
        "table",
        "column",
        "file",
        "sheet",
        "why",
        "source",
        "date",
    )
    return pd.DataFrame([row], columns=list(names))


def repair(slug: str, count: int = 12) -> Finding:
    """The finding about that correction."""
    return Finding("correction", "c1", "info", "note", float(count), None, "cells", f"touched {count} cells",
                   slug, "dr2", column="gender", count=count)  # fmt: skip


def _write_returns(slug: str, folder: Path, rng: np.random.Generator) -> None:
    folder.mkdir(parents=True)
    found = [finding(slug, "fail"), finding(slug, "pass"), finding(slug, "fail", "note"), repair(slug)]
    write_findings(found, folder / "findings.csv")
    log = pd.DataFrame(
        {
            "return_month": "nov22",
            "layer": "dr2",
            "file": f"{slug}_dr2_nov22.xlsx",
            "sheet": "DR2",
            "header_row": 4,
            "column": ["child_id", "referral_date"],
            "rows": [412, 412],
        }
    )
    log.to_csv(folder / "reading_log.csv", index=False)
    repairs().to_csv(folder / "corrections.csv", index=False)
    months = pd.date_range("2019-10-01", periods=30, freq="MS")
    columns = ("looked_after_at_month_end", "newly_looked_after", "open_protection_plans", "new_referrals")
    totals = {name: rng.poisson(60, len(months)).astype(float) for name in columns}
    pd.DataFrame({"month": months, **totals}).to_parquet(folder / "dr1_monthly.parquet", index=False)
