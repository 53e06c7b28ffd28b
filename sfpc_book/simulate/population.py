"""Who is referred: children of each trial authority with their first referral, age and characteristics."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd

from sfpc_book.simulate.chance import pick, stream
from sfpc_book.simulate.codes import (
    ASYLUM,
    DISABILITY,
    ETHNICITY,
    FACTORS,
    GENDER,
    OTHER_FACTORS,
    UASC_ETHNICITY,
)  # fmt: skip
from sfpc_book.simulate.dates import age, birthday, day
from sfpc_book.simulate.months import referrals_to
from sfpc_book.study.schema import CovidBand, PracticeModel, Study
from sfpc_book.study.wedge import Wedge

# Groups of children: `main` are first referred in the window at an eligible age; `other_age` in the window
# at another age; `before` and `after` outside the window only.
GROUPS = ("main", "other_age", "before", "after")
SHARE_OTHER_AGE = 0.05
REFERRALS_OUTSIDE = {"before": 0.5, "after": 0.6}  # against the daily rate of new children in the window
SHARE_UNBORN = 0.04
REFERRAL_RATE = {"lockdown": 0.7, "restrictions": 0.9}  # against other days


def draw_children(study: Study, model_id: str, wedge: Wedge, scale: float, seed: int) -> pd.DataFrame:
    """One row per child, authorities in wedge order, `child` numbering them from 0.

    At scale 1 the model's `protocol_children` are in the group `main`, split over the authorities by chance.
    """
    model = study.models[model_id]
    rng = stream(seed, model_id, "population")
    weight = rng.lognormal(0.0, 0.35, len(wedge.authorities))
    sizes = _shares(round(model.protocol_children * scale), weight)
    parts = [
        _authority(study, model, wedge, slug, size, stream(seed, model_id, slug, "children"))
        for slug, size in zip(wedge.authorities, sizes, strict=True)
    ]
    children = pd.concat(parts, ignore_index=True)
    return _with_exposure(children, wedge).rename_axis("child").reset_index()


def draw_characteristics(children: pd.DataFrame, model_id: str, seed: int) -> pd.DataFrame:
    """Add gender, ethnicity, disability, asylum, earlier plans, factors, school meals, all without gaps."""
    rng, n = stream(seed, model_id, "characteristics"), len(children)
    years = age(dates_of(children, "birth"), dates_of(children, "index_date"))
    uniform = {name: rng.random(n) for name in ("gender", "ethnicity", "disability", "asylum", "fsm")}
    asylum = (uniform["asylum"] < np.where(years >= 12, 0.02, 0.001)).astype(int)
    ethnicity = pick(uniform["ethnicity"], ETHNICITY)
    disability = (uniform["disability"] < np.where(years < 1, 0.02, 0.11)).astype(int)
    before = np.where(years < 0, rng.random(n) < 0.02, rng.choice(4, n, p=[0.78, 0.14, 0.05, 0.03]))
    factors = {code: rng.random(n) < share for code, share in (FACTORS | OTHER_FACTORS).items()}
    return children.assign(
        gender=pick(uniform["gender"], GENDER),
        ethnicity=np.where(asylum == 1, UASC_ETHNICITY, ethnicity),
        disability=np.array(DISABILITY, dtype=object)[disability],
        asylum_seeker=np.array(ASYLUM, dtype=object)[asylum],
        previous_plans=before.astype(int),
        no_further_action=rng.random(n) < 0.22,
        free_school_meals=uniform["fsm"] < 0.45,
        **{f"has_{code}": values for code, values in factors.items()},
    )


def dates_of(frame: pd.DataFrame, name: str) -> np.ndarray:
    """A column of dates as `datetime64[D]`."""
    return frame[name].to_numpy(dtype="datetime64[D]")


def _shares(total: int, weight: np.ndarray) -> np.ndarray:
    """Whole numbers that sum to `total`, in proportion to `weight`."""
    edges = np.round(np.concatenate([[0.0], np.cumsum(weight) / weight.sum()]) * total).astype(int)
    return np.diff(edges)


def _authority(
    study: Study, model: PracticeModel, wedge: Wedge, slug: str, size: int, rng: np.random.Generator
) -> pd.DataFrame:
    spans = {
        "window": (wedge.window_start, wedge.window_end),
        "before": (study.returns.referrals_from, wedge.window_start - timedelta(days=1)),
        "after": (wedge.window_end + timedelta(days=1), referrals_to(study)),
    }
    days = {name: max((end - start).days + 1, 0) for name, (start, end) in spans.items()}
    others = _other_ages(model)
    counts = {"main": size, "other_age": round(size * SHARE_OTHER_AGE) if others else 0}
    counts |= {
        name: round(size * rate * days[name] / days["window"]) for name, rate in REFERRALS_OUTSIDE.items()
    }
    parts = []
    for group in GROUPS:
        span = spans.get(group, spans["window"])
        when = _referral_days(span, counts[group], study.covid, rng)
        months = _ages_in_months(model, others if group == "other_age" else None, counts[group], rng)
        birth = (when.astype("datetime64[M]") - months.astype("timedelta64[M]")).astype("datetime64[D]")
        part = {
            "group": group,
            "index_date": when.astype("datetime64[ns]"),
            "birth": birth.astype("datetime64[ns]"),
        }
        parts.append(pd.DataFrame(part))
    children = pd.concat(parts, ignore_index=True)
    return children.assign(authority=slug, child_id=_identifiers(study, wedge, slug, len(children), rng))


def _other_ages(model: PracticeModel) -> tuple[int, int] | None:
    """An age range outside the model's that no child of it can leave for the model's within the window."""
    if model.age_maximum < 16:
        return (model.age_maximum + 1, 16)
    return (max(model.age_minimum - 8, 0), model.age_minimum - 4) if model.age_minimum >= 6 else None


def _referral_days(
    span: tuple[date, date], n: int, bands: tuple[CovidBand, ...], rng: np.random.Generator
) -> np.ndarray:
    """n referral dates in a span: fewer at weekends, in August and while schools are shut."""
    if n == 0:
        return np.array([], dtype="datetime64[D]")
    days = np.arange(day(span[0]), day(span[1]) + np.timedelta64(1, "D"))
    stamps = pd.DatetimeIndex(days)
    rate = np.where(stamps.day_of_week >= 5, 0.08, 1.0) * np.where(stamps.month == 8, 0.8, 1.0)
    for band in bands:
        inside = (days >= day(band.start)) & (days <= day(band.end))
        rate = np.where(inside, rate * REFERRAL_RATE[band.kind], rate)
    return rng.choice(days, n, p=rate / rate.sum())


def _ages_in_months(
    model: PracticeModel, other: tuple[int, int] | None, n: int, rng: np.random.Generator
) -> np.ndarray:
    """Months from the birth month to the month of referral; negative for a child not yet born."""
    low, high = other or (model.age_minimum, model.age_maximum)
    months = rng.integers(max(12 * low, 1), 12 * (high + 1), n)
    if low == 0 and other is None:
        months = np.where(rng.random(n) < 0.06, rng.integers(1, 12, n), months)
        if model.include_unborn:
            months = np.where(rng.random(n) < SHARE_UNBORN, -rng.integers(1, 7, n), months)
    return months


def _identifiers(study: Study, wedge: Wedge, slug: str, n: int, rng: np.random.Generator) -> np.ndarray:
    """Identifiers in the manner of the authority's own system; no other authority uses the same.

    Forms differ within a model, and the first digit between models.
    """
    numbers = 100_000 + rng.choice(max(900_000, n), n, replace=False)
    place = wedge.authorities.index(slug)
    form = ("{}", "P{}", "00{}")[place] if place < 3 else slug[:3].upper() + "-{}"
    first = 1 + list(study.models).index(wedge.model_id)
    return np.array([form.format(f"{first}{number}") for number in numbers], dtype=object)


def _with_exposure(children: pd.DataFrame, wedge: Wedge) -> pd.DataFrame:
    """Period (-1 outside the window) and exposure time; after the window the last one, before it none."""
    period = wedge.period_of(children["index_date"])
    last = np.where(children["group"] == "after", wedge.n_periods - 1, period)
    start = children["authority"].map(wedge.start_period).to_numpy()
    time = np.where(last >= 0, np.maximum(last - start + 1, 0), 0)
    return children.assign(period=period, exposure_time=time, adult=_adult(children))


def _adult(children: pd.DataFrame) -> np.ndarray:
    return birthday(dates_of(children, "birth"), 18).astype("datetime64[ns]")
