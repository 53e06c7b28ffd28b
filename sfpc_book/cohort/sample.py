"""Who is in the sample? Every referral record ends in exactly one box, every step counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sfpc_book.cohort.calendar import days
from sfpc_book.cohort.persons import UNBORN_AGE, age_at_referral
from sfpc_book.study.schema import PracticeModel
from sfpc_book.study.wedge import Wedge

FLOW_COLUMNS = ["model", "authority", "step", "box", "kind", "n", "unit"]


@dataclass(frozen=True)
class Step:
    """One step of the flow: what is kept, and the boxes of what leaves at it. `unit` is what the kept box
    counts."""

    kept: str
    excluded: tuple[str, ...]
    unit: str


STEPS = (
    Step("all referrals", ("sent more than once",), "referrals"),
    Step("dated referrals", ("no referral date",), "referrals"),
    Step("referrals in the trial window", ("outside the trial window",), "referrals"),
    Step("referrals at an eligible age", ("age not known", "age not eligible"), "referrals"),
    Step("children at their first referral in the window", ("later referral of the same child",), "children"),
    Step("children whose outcome is defined", ("care already running at referral",), "children"),
    Step(
        "children linked to the outcome return",
        ("not in the outcome return", "identifier shared by several"),
        "children",
    ),
)
INCLUDED = STEPS[-1].kept


def ordered_records(records: pd.DataFrame) -> pd.DataFrame:
    """Records in an order that does not depend on the order they came in: child, date, latest return first.

    The latest return is the authority's last word on a referral that several returns carry.
    """
    sent = pd.to_datetime(records["return_month"], format="%b%y", errors="coerce")
    lineage = [name for name in ("source_file", "source_sheet", "source_row") if name in records]
    keys = ["child_key", "referral_date", "_sent", "referral_id", *lineage]
    ascending = [True, True, False, *[True] * (len(lineage) + 1)]
    ordered = records.assign(_sent=sent).sort_values(keys, ascending=ascending, kind="stable")
    return ordered.drop(columns="_sent").reset_index(drop=True)


def classify_records(records: pd.DataFrame, wedge: Wedge, model: PracticeModel) -> pd.DataFrame:
    """Add `age`, `period` and `box` to one authority's records (made by `identify_persons`, ordered).

    `box` is the excluded box of a record, or "" for a child's first eligible referral in the trial window.
    """
    records = records.assign(age=age_at_referral(records), period=wedge.period_of(records["referral_date"]))
    excluded = [
        ("sent more than once", records.duplicated(["child_key", "referral_id", "referral_date"])),
        ("no referral date", records["referral_date"].isna()),
        ("outside the trial window", records["period"] < 0),
        ("age not known", records["age"].isna()),
        ("age not eligible", ~eligible_age(records["age"], model)),
    ]
    box = pd.Series(
        np.select([flag for _, flag in excluded], [name for name, _ in excluded], ""), records.index
    )
    later = (box == "") & records["child_key"].where(box == "").duplicated()
    return records.assign(box=box.mask(later, "later referral of the same child"))


def eligible_age(age: pd.Series, model: PracticeModel) -> pd.Series:
    """Whether a child of that age (completed years, -1 unborn) belongs to the model's trial."""
    inside = age.between(model.age_minimum, model.age_maximum)
    return inside | (age == UNBORN_AGE) if model.include_unborn else inside


def care_running(children: pd.DataFrame, care: pd.DataFrame) -> np.ndarray:
    """Whether a period of care ran on the day of the referral: began before it and had not ended by that day.

    `care` has `row` (position in `children`), `start`, `end`. A period that begins on the day of the referral
    is an outcome; one that ended by that day is an earlier spell. Boolean, shape of `children`.
    """
    referral = days(children["referral_date"])[care["row"]]
    running = (care["start"] < referral) & (care["end"].isna() | (care["end"] > referral))
    flag = np.zeros(len(children), dtype=bool)
    flag[care["row"][running]] = True
    return flag


def earlier_care(children: pd.DataFrame, care: pd.DataFrame) -> np.ndarray:
    """Whether a period of care had ended by the day of the referral. Boolean, shape of `children`."""
    referral = days(children["referral_date"])[care["row"]]
    flag = np.zeros(len(children), dtype=bool)
    flag[care["row"][(care["start"] < referral) & (care["end"] <= referral)]] = True
    return flag


def flow_table(boxes: pd.Series, model_id: str, authority: str) -> pd.DataFrame:
    """Count the boxes. `boxes` names, per record, the box it ended in (`INCLUDED` for the children analysed).

    At each step: kept before = kept + excluded; before the first step stand the records sent.
    Columns model, authority, step (from 1), box, kind, n, unit.
    """
    counts = boxes.value_counts()
    left = len(boxes)
    rows = []
    for number, step in enumerate(STEPS, start=1):
        unit = STEPS[max(number - 2, 0)].unit
        for name in step.excluded:
            n = int(counts.get(name, 0))
            left -= n
            rows.append((model_id, authority, number, name, "excluded", n, unit))
        rows.append((model_id, authority, number, step.kept, "kept", left, step.unit))
    return pd.DataFrame(rows, columns=FLOW_COLUMNS)
