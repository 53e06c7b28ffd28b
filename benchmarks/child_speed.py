"""How long the models of children take, beside lme4, clubSandwich, mice, statsmodels, linearmodels, pyfixest.

Run from the top folder: `python benchmarks/child_speed.py [--quick] [--long] [--packages FOLDER]`. Every peer
gets the same data in the same run, and is left out where it is not installed. `--quick` leaves out R's slow
fits of 5,510 children (about three minutes), `--long` adds lme4 at 27,000 children (ten minutes and more).
"""

from __future__ import annotations

import argparse
import math
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit
from side_by_side import ABSENT, Side, by_r, line, measured, print_table, use_packages_of

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sfpc_book.estimate import child_models
from sfpc_book.estimate.child_models import Children, Term
from sfpc_book.estimate.hussey_hughes import binary_squares, fit_hussey_hughes
from sfpc_book.estimate.panel_models import fit_two_way
from sfpc_book.estimate.trial_table import Roles, TrialTable, trial_table

GOLDEN = Path(__file__).resolve().parents[1] / "tests" / "golden"
COVARIATES = ("age", "sex", "ethnicity", "disabled", "previous_plans", "uasc")
ROLES = Roles("looked_after", "exposed", "authority", "period", None, None, COVARIATES, ("age",))
MISSING = ("sex", "ethnicity", "disabled", "previous_plans")
SHARES = {"White": 0.66, "Mixed": 0.1, "Asian": 0.1, "Black": 0.06, "Other": 0.04, "Roma": 0.02, "x": 0.02}
PLANS = {"0": 0.85, "1": 0.09, "2": 0.04, "3+": 0.02}


def simulated(n: int, *, blank: float = 0.0, seed: int = 1) -> pd.DataFrame:
    """Children of five authorities in six periods, described by codes as in the returns."""
    rng = np.random.default_rng(seed)
    place, period = rng.choice(5, n, p=[0.2, 0.4, 0.1, 0.14, 0.16]), rng.integers(0, 6, n)
    frame = pd.DataFrame({"authority": np.array(list("abcde"))[place], "period": period})
    frame["exposed"], frame["age"] = (period > place).astype(int), rng.integers(-1, 13, n)
    frame["sex"] = rng.choice(["Male", "Female"], n)
    frame["ethnicity"] = rng.choice(list(SHARES), n, p=list(SHARES.values()))
    frame["disabled"], frame["uasc"] = rng.binomial(1, 0.05, n), rng.binomial(1, 0.01, n)
    frame["previous_plans"] = rng.choice(list(PLANS), n, p=list(PLANS.values()))
    risk = -3 + 0.25 * (place - 2) - 0.15 * frame["exposed"] + 0.4 * frame["disabled"] + 1.2 * frame["uasc"]
    frame["looked_after"] = rng.binomial(1, expit(risk + 0.5 * (frame["previous_plans"] != "0")))
    for name in MISSING if blank else ():
        frame[name] = frame[name].astype(object).mask(rng.random(n) < blank * (1 + frame["looked_after"]))
    return frame


def children_of(frame: pd.DataFrame) -> Children:
    return trial_table(frame, ROLES).children


def in_days(children: Children) -> Children:
    """The same children with a covariate that no two have alike: the slowest case."""
    days = np.random.default_rng(2).normal(size=(len(children.outcome), 1))
    return Children(**(vars(children) | {"covariates": np.hstack([children.covariates[:, 1:], days])}))


def numbers_of(terms: tuple[Term, ...]) -> dict[str, float]:
    first = terms[0]
    found = {"exposed": first.estimate, "error": first.std_error}
    if math.isfinite(first.df):
        found["df"] = first.df
    return found


def runs(model: Callable, children: Children, **options: object) -> Side:
    return measured(lambda: numbers_of(model(children, **options)))


def against_r(quick: bool) -> Iterator[dict]:
    """The reference case of the tests: 5,510 children of five authorities."""
    frame = pd.read_csv(GOLDEN / "logit_5_clusters" / "children.csv").drop(columns="day")
    children = children_of(frame)
    skipped = Side(note="left out by --quick")
    mixed, fixed = child_models.mixed_logit, child_models.fixed_effects_logit
    for words, name, peer, model, options in (
        ("mixed logit, Laplace", "mixed_logit", "lme4", mixed, {}),
        ("mixed logit, 15 points", "mixed_logit_quadrature", "lme4", mixed, {"nodes": 15}),
        ("fixed-effects logit, CR2, risks", "fixed_effects_logit_cr2", "clubSandwich", fixed, {}),
    ):
        theirs = skipped if quick else by_r(name, frame)
        yield line(f"{words}; 5,510 children", runs(model, children, **options), peer, theirs)


def at_trial_size(long: bool) -> Iterator[dict]:
    """27,000 children: what the trial needs."""
    frame = simulated(27_000)
    children = children_of(frame)
    size = f"27,000 children x {children.random_intercept().shape[1]}"
    theirs = by_r("mixed_logit", frame) if long else Side(note="only with --long")
    yield line(f"mixed logit, Laplace; {size}", runs(child_models.mixed_logit, children), "lme4", theirs)
    yield line("the same, no two children alike", runs(child_models.mixed_logit, in_days(children)))
    logit = child_models.fixed_effects_logit
    yield line(f"fixed-effects logit, CR2, risks; {size}", runs(logit, children), "statsmodels, model-based",
               measured(lambda: by_statsmodels(children), 1, warm=False))  # fmt: skip
    yield line("the same, no two children alike", runs(logit, in_days(children)))


def by_statsmodels(children: Children) -> dict[str, float]:
    """The coefficient alone: statsmodels has no CR2."""
    import statsmodels.api as sm

    fit = sm.GLM(children.outcome, children.fixed_effects(), family=sm.families.Binomial()).fit(tol=1e-12)
    return {"exposed": float(fit.params[0])}


def imputed() -> Iterator[dict]:
    """20 data sets with blanks filled in, both models on each, pooled."""
    frame = simulated(27_000, blank=0.1)

    def ours() -> dict[str, float]:
        table = trial_table(frame, ROLES, imputations=20)
        child_models.pooled_terms(child_models.mixed_logit, table.imputed)
        return numbers_of(child_models.pooled_terms(child_models.fixed_effects_logit, table.imputed))

    yield line("20 imputations, both models, pooled; 27,000 children", measured(ours, 1))
    five = measured(lambda: {"sets": len(trial_table(frame, ROLES, imputations=5).imputed)}, 1)
    theirs = by_r("imputation", frame)
    yield line("one imputation of four covariates", Side(five.seconds / 5), "mice (other draws)", theirs)


def million_rows() -> Iterator[dict]:
    """A million children's rows in a panel model with authority and period effects."""
    frame = simulated(1_000_000)[["authority", "period", "exposed", "looked_after"]]
    roles = Roles("looked_after", "exposed", "authority", "period")

    def ours() -> dict[str, float]:
        fit = fit_two_way(trial_table(frame, roles).cells)
        return {"exposed": fit.estimate, "error": fit.std_error}

    side = measured(ours, 1)
    for peer, work in (("linearmodels, rows", by_linearmodels), ("pyfixest, rows", by_pyfixest)):
        yield line("two-way panel model, clustered; 1,000,000 children", side, peer, attempted(work, frame))


def attempted(work: Callable[[pd.DataFrame], dict], frame: pd.DataFrame) -> Side:
    """One run after one that is not counted, or a note that the package is not there."""
    try:
        return measured(lambda: work(frame), 1)
    except ImportError:
        return Side(note=ABSENT)


def by_linearmodels(frame: pd.DataFrame) -> dict[str, float]:
    """Least squares on the rows with both effects absorbed. Its error counts parameters in another way."""
    from linearmodels.iv import AbsorbingLS

    effects = frame[["authority", "period"]].astype("category")
    model = AbsorbingLS(frame["looked_after"], frame[["exposed"]].astype(float), absorb=effects)
    fit = model.fit(cov_type="clustered", clusters=effects["authority"].cat.codes)
    return {"exposed": float(fit.params["exposed"])}


def by_pyfixest(frame: pd.DataFrame) -> dict[str, float]:
    from pyfixest import feols

    fit = feols("looked_after ~ exposed | authority + period", frame, vcov={"CRV1": "authority"})
    return {"exposed": float(fit.coef()["exposed"])}


def hussey_hughes() -> Iterator[dict]:
    """The public trial of 14 clusters by 8 periods, children's own rows."""
    cells = pd.read_csv(GOLDEN / "wedge_14_clusters.csv")
    frame = cells.loc[cells.index.repeat(cells["children"]), ["cluster", "period", "exposed"]]
    place = frame.groupby(["cluster", "period"]).cumcount()
    frame = frame.assign(y=(place < cells["events"].reindex(frame.index)).astype(int)).reset_index(drop=True)
    table = trial_table(frame, Roles("y", "exposed", "cluster", "period"))
    for words, peer, cell_effects in (
        ("Hussey-Hughes mixed model", "hussey_hughes", False),
        ("the same with cluster-period effects", "hussey_hughes_cells", True),
    ):
        side = measured(lambda cell_effects=cell_effects: mixed(table, cell_effects))
        yield line(f"{words}; {len(frame):,} rows", side, "lme4", by_r(peer, frame))
        if not cell_effects:
            yield line(f"{words}; {len(frame):,} rows", side, "statsmodels MixedLM",
                       measured(lambda: by_mixedlm(frame), 1, warm=False))  # fmt: skip


def mixed(table: TrialTable, cell_effects: bool) -> dict[str, float]:
    squares = binary_squares(table.cells)
    fit = fit_hussey_hughes(
        table.cells, within_squares=squares, cell_effects=cell_effects, inference="normal"
    )
    found = {"exposed": fit.estimate, "error": fit.std_error, "residual_variance": fit.residual_variance}
    return found | {"authority_variance": fit.authority_variance}


def by_mixedlm(frame: pd.DataFrame) -> dict[str, float]:
    """Warns of its boundary, and misses it: the difference is its own."""
    import statsmodels.formula.api as smf

    warnings.simplefilter("ignore")
    fit = smf.mixedlm("y ~ exposed + C(period)", frame, groups=frame["cluster"]).fit(reml=True)
    return {
        "exposed": float(fit.params["exposed"]),
        "error": float(fit.bse["exposed"]),
        "authority_variance": float(fit.cov_re.iloc[0, 0]),
        "residual_variance": float(fit.scale),
    }


def main() -> None:
    """Measure everything and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="without the slow fits in R")
    parser.add_argument("--long", action="store_true", help="lme4 at 27,000 children too")
    parser.add_argument("--packages", type=Path, default=None, help="folder of further packages: pyfixest")
    options = parser.parse_args()
    use_packages_of(options.packages)
    lines = [*against_r(options.quick), *at_trial_size(options.long), *imputed(), *million_rows()]
    print_table([*lines, *hussey_hughes()])


if __name__ == "__main__":
    main()
