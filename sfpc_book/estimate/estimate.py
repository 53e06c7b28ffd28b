"""One estimate, and the fixed columns in which every estimate of the book is written.

Charts, tables and sentences read `TIDY_COLUMNS` and nothing else, so a number has one home.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from sfpc_book.errors import EstimationError

TEXT_COLUMNS = (
    "model", "outcome", "sample", "exposure", "estimand", "analysis", "term", "status", "unit", "reference",
    "data_status",
)  # fmt: skip
WHOLE_NUMBER_COLUMNS = ("horizon", "n_children", "n_events", "n_clusters", "n_periods", "n_orders")
TIDY_COLUMNS = (
    "model", "outcome", "horizon", "sample", "exposure", "estimand", "analysis", "term", "estimate",
    "std_error", "df", "statistic", "p_value", "conf_low", "conf_high", "conf_level", "n_children",
    "n_events", "n_clusters", "n_periods", "identified", "status", "unit", "reference", "n_orders",
    "p_minimum", "level_maximum", "missing_information", "observed_share", "observable_from",
    "truth", "data_status",
)  # fmt: skip
NUMBER_COLUMNS = tuple(
    name
    for name in TIDY_COLUMNS
    if name not in (*TEXT_COLUMNS, *WHOLE_NUMBER_COLUMNS, "identified", "observable_from")
)
STATUSES_WITH_NUMBER = ("ok", "partly_observed")
STATUSES_WITHOUT_NUMBER = ("not_observed", "not_identified")
NOT_ESTIMABLE = "not_estimable: "
DATA_STATUSES = ("synthetic", "returns", "published", "design", "table")

NAN = math.nan


@dataclass(frozen=True)
class Estimate:
    """One row of the tidy table. Numbers are in natural units: a risk difference is a proportion.

    Attributes
    ----------
    term
        What the coefficient belongs to: `exposed`, `exposure_time_2`, ...
    estimand
        `immediate` (one effect after go-live), `effect_curve`, `time_averaged`.
    df
        Degrees of freedom of the reference distribution; NaN where it has none.
    conf_low, conf_high
        May be infinite: an exact confidence set that is unbounded at `conf_level` says so.
    n_events
        Number of events for 0/1 outcomes, None for others.
    identified
        Whether the design identifies the term; if not, `estimate` is NaN.
    status
        `ok`, `partly_observed` (a number on the observed part), `not_observed`, `not_identified` or
        `not_estimable: <cause>`. The last three never carry a number.
    n_orders, p_minimum, level_maximum
        Randomisation only: admissible orders, smallest attainable p, highest level with a bounded set.
    missing_information
        Imputed covariates only: the share of information that missing values cost, 0 to 1.
    """

    model: str
    outcome: str
    horizon: int | None
    analysis: str
    status: str
    sample: str = "main"
    exposure: str = "go_live"
    estimand: str = "immediate"
    term: str = "exposed"
    estimate: float = NAN
    std_error: float = NAN
    df: float = NAN
    statistic: float = NAN
    p_value: float = NAN
    conf_low: float = NAN
    conf_high: float = NAN
    conf_level: float = 0.95
    n_children: int | None = None
    n_events: int | None = None
    n_clusters: int | None = None
    n_periods: int | None = None
    identified: bool = True
    unit: str = ""
    reference: str = ""
    n_orders: int | None = None
    p_minimum: float = NAN
    level_maximum: float = NAN
    missing_information: float = NAN
    observed_share: float = NAN
    observable_from: pd.Timestamp | None = None
    truth: float = NAN
    data_status: str = "synthetic"

    def __post_init__(self) -> None:
        problems = faults(self)
        if problems:
            raise EstimationError(f"Estimate '{self.analysis}' of '{self.outcome}' is not valid:", problems)

    def tidy(self) -> pd.DataFrame:
        """The estimate as a frame of one row with exactly `TIDY_COLUMNS`."""
        return combine([self])

    def summary(self) -> str:
        """Aligned text for a terminal: what was estimated, how, and from how much."""
        horizon = "" if self.horizon is None else f" at {self.horizon} months"
        lines = [
            ("model", self.model),
            ("outcome", f"{self.outcome}{horizon}"),
            ("analysis", f"{self.analysis} ({self.estimand}, term {self.term})"),
            ("estimate", _number_text(self)),
            ("reference", self.reference + ("" if math.isnan(self.df) else f", {self.df:.2f} d.f.")),
            ("p", _p_text(self)),
            ("design", f"{self.n_clusters} authorities, {self.n_periods} periods"),
            ("children", f"{self.n_children}"),
            ("data", self.data_status),
        ]
        return "\n".join(f"{label:<10} {text}" for label, text in lines)


def faults(estimate: Estimate) -> list[str]:
    """Everything that is inconsistent in an estimate, as sentences; empty when it is sound."""
    has_number = not math.isnan(estimate.estimate)
    checks = [
        (_known_status(estimate.status), f"status '{estimate.status}' is unknown; {_status_help()}"),
        (
            not has_number or estimate.status in STATUSES_WITH_NUMBER,
            f"status '{estimate.status}' does not allow the number {estimate.estimate!r}",
        ),
        (
            has_number or estimate.status not in STATUSES_WITH_NUMBER,
            f"status '{estimate.status}' needs an estimate",
        ),
        (estimate.identified or not has_number, "an unidentified term must have no estimate"),
        (
            math.isnan(estimate.p_value) or 0 < estimate.p_value <= 1,
            f"p_value {estimate.p_value!r} is outside (0, 1]",
        ),
        (not estimate.conf_low > estimate.conf_high, "conf_low lies above conf_high"),
        (0 < estimate.conf_level < 1, f"conf_level {estimate.conf_level!r} is outside (0, 1)"),
        (not estimate.std_error < 0, f"std_error {estimate.std_error!r} is negative"),
        (
            estimate.data_status in DATA_STATUSES,
            f"data_status '{estimate.data_status}' is not one of {', '.join(DATA_STATUSES)}",
        ),
    ]
    return [text for sound, text in checks if not sound]


def combine(estimates: Iterable[Estimate | pd.DataFrame]) -> pd.DataFrame:
    """Rows of estimates (or of frames made by this function) under each other, in the order given.

    Returns
    -------
    DataFrame with `TIDY_COLUMNS` and fixed types: text `str`, counts `Int64`, `identified` bool,
    `observable_from` datetime64[ns], all else float64.

    Raises
    ------
    EstimationError
        When a frame has other columns than `TIDY_COLUMNS`.
    """
    records: list[Mapping[str, object]] = []
    for item in estimates:
        records += [_record(item)] if isinstance(item, Estimate) else _records(item)
    return _typed({name: [record[name] for record in records] for name in TIDY_COLUMNS})


def not_estimable(cause: str) -> str:
    """The status text for a cause, such as `not_estimable: one authority`."""
    return f"{NOT_ESTIMABLE}{cause}"


def _record(estimate: Estimate) -> Mapping[str, object]:
    return {field.name: getattr(estimate, field.name) for field in dataclasses.fields(estimate)}


def _records(frame: pd.DataFrame) -> list[Mapping[str, object]]:
    if tuple(frame.columns) != TIDY_COLUMNS:
        raise EstimationError("A table of estimates has other columns:", _column_faults(frame))
    return frame.to_dict("records")


def _typed(columns: dict[str, Sequence[object]]) -> pd.DataFrame:
    typed: dict[str, pd.Series] = {}
    for name, values in columns.items():
        if name in TEXT_COLUMNS:
            typed[name] = pd.Series(values, dtype="str")
        elif name in WHOLE_NUMBER_COLUMNS:
            typed[name] = pd.Series([None if pd.isna(v) else int(v) for v in values], dtype="Int64")
        elif name == "identified":
            typed[name] = pd.Series(values, dtype=bool)
        elif name == "observable_from":
            typed[name] = pd.Series(pd.to_datetime(pd.Series(values, dtype=object))).astype("datetime64[ns]")
        else:
            typed[name] = pd.Series([math.nan if pd.isna(v) else v for v in values], dtype="float64")
    return pd.DataFrame(typed)


def _column_faults(frame: pd.DataFrame) -> list[str]:
    missing = [name for name in TIDY_COLUMNS if name not in frame.columns]
    extra = [str(name) for name in frame.columns if name not in TIDY_COLUMNS]
    order = [] if missing or extra else ["the columns are in another order than TIDY_COLUMNS"]
    return [*(f"missing: {name}" for name in missing), *(f"not known: {name}" for name in extra), *order]


def _known_status(status: str) -> bool:
    plain = status in (*STATUSES_WITH_NUMBER, *STATUSES_WITHOUT_NUMBER)
    return plain or (status.startswith(NOT_ESTIMABLE) and len(status) > len(NOT_ESTIMABLE))


def _status_help() -> str:
    return f"allowed: {', '.join((*STATUSES_WITH_NUMBER, *STATUSES_WITHOUT_NUMBER))}, {NOT_ESTIMABLE}<cause>"


def _number_text(estimate: Estimate) -> str:
    if math.isnan(estimate.estimate):
        return f"none ({estimate.status})"
    interval = f"{estimate.conf_low:.6g} to {estimate.conf_high:.6g}"
    return f"{estimate.estimate:.6g} ({estimate.conf_level:.1%} interval {interval})"


def _p_text(estimate: Estimate) -> str:
    if math.isnan(estimate.p_value):
        return "none"
    least = "" if math.isnan(estimate.p_minimum) else f" (smallest attainable {estimate.p_minimum:.4g})"
    return f"{estimate.p_value:.4g}{least}"
