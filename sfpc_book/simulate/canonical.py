"""The returns of simulated children as clean canonical tables, return by return or as read in full."""

from __future__ import annotations

import pandas as pd

from sfpc_book.contracts.contract import TableContract
from sfpc_book.simulate.children import SimulatedModel
from sfpc_book.simulate.months import file_name
from sfpc_book.simulate.outcome_tables import asked, outcome_tables
from sfpc_book.simulate.records import referral_records
from sfpc_book.simulate.totals import monthly_totals
from sfpc_book.study.return_months import spans

# (layer, return month) → table → rows in the order of the sheet
Sent = dict[tuple[str, str], dict[str, pd.DataFrame]]
DTYPES = {"text": "str", "code": "str", "factors": "str", "flag": "Int8", "integer": "Int64",
          "number": "float64", "share": "float64", "percent": "float64"}  # fmt: skip
LINEAGE = ["authority", "return_month", "source_file", "source_sheet", "source_row", "corrections"]
EVENT_DATE = {"dr2_care": "care_start", "dr2_plans": "plan_start"}


def sent_returns(simulated: SimulatedModel) -> dict[str, Sent]:
    """What each trial authority sends, without defects: rows of every table by layer and return month."""
    study, slugs = simulated.study, simulated.wedge.authorities
    records = referral_records(simulated)
    children = asked(simulated, records)
    outcomes = outcome_tables(simulated, children)
    sampled = _sampled(simulated, records, outcomes)
    returns: dict[str, Sent] = {slug: {} for slug in slugs}
    for slug in slugs:
        totals = monthly_totals(study, slug, simulated.seed)
        for month, span in spans(study.returns.months, study.returns.totals_from).items():
            returns[slug]["dr1", month] = {"dr1_monthly": _within(totals, "month", span)}
        own = {name: table[table["authority"] == slug] for name, table in sampled.items()}
        for month, span in spans(study.returns.months, study.returns.referrals_from).items():
            returns[slug]["dr2", month] = {
                name: _within(table, EVENT_DATE.get(name, "referral_date"), span)
                for name, table in own.items()
            }
        returns[slug]["dr3", study.returns.outcome_month] = {
            name: table[table["authority"] == slug].reset_index(drop=True)
            for name, table in outcomes.items()
            if layout_of(simulated) in simulated.contracts[name].sheets
        }
    return returns


def canonical_returns(simulated: SimulatedModel) -> dict[str, dict[str, pd.DataFrame]]:
    """The same returns as canonical tables with lineage: authority → table → rows of all returns.

    Types as the reader gives them: dates datetime64[ns], identifiers and codes `str`, flags `Int8`.
    """
    layout = layout_of(simulated)
    tables: dict[str, dict[str, pd.DataFrame]] = {}
    for slug, sent in sent_returns(simulated).items():
        parts: dict[str, list[pd.DataFrame]] = {}
        for (layer, month), found in sent.items():
            for name, table in found.items():
                source = file_name(slug, layer, month)
                parts.setdefault(name, []).append(
                    _with_lineage(table, simulated.contracts[name], layout, source, month)
                )
        tables[slug] = {
            name: _typed(pd.concat(rows, ignore_index=True), simulated.contracts[name], layout)
            for name, rows in parts.items()
        }
    return tables


def layout_of(simulated: SimulatedModel) -> str:
    """Layout of the workbooks of the model's authorities."""
    return simulated.study.models[simulated.model_id].layout


def _sampled(
    simulated: SimulatedModel, records: pd.DataFrame, outcomes: dict[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """Tables of the sampling returns: referrals, and in one layout care and plans that began."""
    tables = {"dr2_referrals": records}
    first = records.drop_duplicates(["authority", "child_id"])[["authority", "child_id", "referral_id"]]
    for name, source in (("dr2_care", "dr3_care"), ("dr2_plans", "dr3_plans")):
        if layout_of(simulated) in simulated.contracts[name].sheets:
            date = EVENT_DATE[name]
            events = outcomes[source][["authority", "child_id", date]].dropna(subset=[date])
            tables[name] = events.merge(first, on=["authority", "child_id"], how="left").sort_values(
                ["authority", date, "child_id"]
            )
    return tables


def _within(table: pd.DataFrame, date: str, span: tuple) -> pd.DataFrame:
    inside = table[date].between(pd.Timestamp(span[0]), pd.Timestamp(span[1]))
    return table[inside].reset_index(drop=True)


def _with_lineage(
    table: pd.DataFrame, contract: TableContract, layout: str, source: str, month: str
) -> pd.DataFrame:
    sheet = contract.sheets[layout]
    place = pd.factorize(table["child_id"])[0] if contract.shape == "wide" else range(len(table))
    rows = pd.Series(place, index=table.index, dtype="int64") + sheet.header_row + 1
    return table.assign(return_month=month, source_file=source, source_sheet=sheet.name, source_row=rows)


def _typed(table: pd.DataFrame, contract: TableContract, layout: str) -> pd.DataFrame:
    """All columns of the contract, those that the layout lacks missing, in the types of the reader."""
    dtypes = {column.name: DTYPES.get(column.type, "datetime64[ns]") for column in contract.columns}
    dtypes |= {"birth_marker": "str"} if "birth_marker" in table else {}
    if contract.wide:
        dtypes[contract.wide.by] = "Int64" if contract.wide.by == "ssda903_year" else "str"
    dtypes |= {name: "int64" if name == "source_row" else "str" for name in LINEAGE}
    absent = set(contract.names) - {column.name for column in contract.for_layout(layout)}
    kept = table.drop(columns=[name for name in table if name in absent])
    return kept.reindex(columns=list(dtypes)).astype(dtypes)
