"""Counts that describe the children: by exposure, by period, by month, by link, by what is missing.
Aggregates only.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from sfpc_book.cohort.derive import COVARIATES, FACTORS, MISSING, UNMAPPED
from sfpc_book.cohort.link import LINK_STATES, Links

DESCRIPTIVE_COLUMNS = ["model", "authority", "exposed", "variable", "level", "n", "total"]
MISSINGNESS_COLUMNS = ["model", "authority", "period", "variable", "n_missing", "n"]
PATTERN_COLUMNS = ["model", "authority", "pattern", "n"]
SEPARATOR = "; "
ANY_FACTOR = "factors"  # the factors of an assessment are missing together, so a pattern names them once
ALL = "all"
YES_NO = pd.CategoricalDtype(["no", "yes"])


def descriptives(children: pd.DataFrame, model_id: str, authorities: Sequence[str]) -> pd.DataFrame:
    """Children at each level of each covariate, by exposure, for each authority and for `all`.

    Every level and both exposures are there, with n 0 where there is no child. `total`: children of that
    authority and exposure.
    """
    described = _described(children)
    everyone = pd.concat([described, described.assign(authority=ALL)], ignore_index=True)
    groups = pd.MultiIndex.from_product([[*authorities, ALL], [0, 1]], names=["authority", "exposed"])
    total = everyone.groupby(["authority", "exposed"]).size().reindex(groups, fill_value=0)
    parts = []
    for variable in (*COVARIATES, "earlier_care", "linked"):
        levels = everyone[variable].cat.categories
        counts = everyone.groupby(["authority", "exposed", variable], observed=True).size()
        cells = pd.MultiIndex.from_product([*groups.levels, levels], names=[*groups.names, "level"])
        cells = cells[cells.droplevel("level").isin(groups)]
        frame = counts.reindex(cells, fill_value=0).rename("n").reset_index()
        parts.append(frame.assign(variable=variable, level=frame["level"].astype("str")))
    table = pd.concat(parts, ignore_index=True).join(total.rename("total"), on=["authority", "exposed"])
    return _in_order(table.assign(model=model_id), [*authorities, ALL])[DESCRIPTIVE_COLUMNS]


def _described(children: pd.DataFrame) -> pd.DataFrame:
    flags = {
        name: children[name].map({False: "no", True: "yes"}).astype(YES_NO)
        for name in ("earlier_care", "linked")
    }
    kept = children[["authority", "exposed", *COVARIATES]].assign(**flags)
    return kept.assign(authority=kept["authority"].astype("str"))


def _in_order(table: pd.DataFrame, authorities: Sequence[str], then: str = "exposed") -> pd.DataFrame:
    """By authority in the order given, then by one more column; variables and levels stay in theirs."""
    place = {slug: number for number, slug in enumerate(authorities)}
    keyed = table.assign(_place=table["authority"].map(place))
    return keyed.sort_values(["_place", then], kind="stable").reset_index(drop=True)


def missingness(
    children: pd.DataFrame, model_id: str, authorities: Sequence[str], n_periods: int
) -> pd.DataFrame:
    """Children whose covariate is missing, unmapped or (factors) not assessed, by authority and period."""
    absent = _absent(children)
    keys = [children["authority"].astype("str"), children["period"]]
    cells = pd.MultiIndex.from_product([authorities, range(n_periods)], names=["authority", "period"])
    missing = absent.groupby(keys).sum().reindex(cells, fill_value=0).astype(int)
    size = children.groupby(keys).size().reindex(cells, fill_value=0)
    wide = missing.reset_index()
    long = wide.melt(id_vars=["authority", "period"], var_name="variable", value_name="n_missing")
    long = long.join(size.rename("n"), on=["authority", "period"]).assign(model=model_id)
    return _in_order(long, authorities, "period")[MISSINGNESS_COLUMNS]


def _absent(children: pd.DataFrame) -> pd.DataFrame:
    """Whether each covariate is missing, unmapped or (factors) not assessed. Boolean, by child."""
    return pd.DataFrame(
        {
            name: children[name].isin([MISSING, UNMAPPED, *(["not assessed"] if name in FACTORS else [])])
            for name in COVARIATES
        }
    )


def missing_patterns(children: pd.DataFrame, model_id: str, authorities: Sequence[str]) -> pd.DataFrame:
    """Children by which covariates are missing together, for each authority; combinations that occur.

    `pattern` names them in the order of the covariates, joined by `; `, with `factors` for any of the
    factors; it is empty where nothing is missing.
    """
    absent = _absent(children)
    named = absent.drop(columns=FACTORS).assign(**{ANY_FACTOR: absent[FACTORS].any(axis=1)})
    pattern = named.astype(int) @ (2 ** pd.Series(range(named.shape[1]), index=named.columns))
    words = {
        number: SEPARATOR.join(name for place, name in enumerate(named) if number >> place & 1)
        for number in pattern.unique().tolist()
    }
    keys = [children["authority"].astype("str"), pattern.map(words).rename("pattern")]
    table = children.groupby(keys).size().rename("n").reset_index()
    return _in_order(table.assign(model=model_id), authorities, "pattern")[PATTERN_COLUMNS]


def monthly(children: pd.DataFrame, outcomes: pd.DataFrame, model_id: str, outcome_id: str) -> pd.DataFrame:
    """First referrals and the primary outcome by authority and month of referral.

    Columns model, authority, month, horizon, n_children (all), n_observed, n_events.
    """
    month = children.set_index("child_key")["referral_date"].dt.to_period("M").dt.start_time
    primary = outcomes[outcomes["outcome"] == outcome_id]
    keyed = primary.assign(
        month=primary["child_key"].map(month), authority=primary["authority"].astype("str")
    )
    grouped = keyed.groupby(["authority", "month", "horizon"])["value"]
    table = grouped.agg(n_children="size", n_observed="count", n_events="sum").reset_index()
    return table.assign(model=model_id)[
        ["model", "authority", "month", "horizon", "n_children", "n_observed", "n_events"]
    ]


def linkage(links: Links, model_id: str, authority: str) -> pd.DataFrame:
    """Children in each link state by outcome table: columns model, authority, table, state, n."""
    rows = []
    for table in links.linked:
        counts = pd.Series(links.state(table)).value_counts()
        rows += [(model_id, authority, table, state, int(counts.get(state, 0))) for state in LINK_STATES]
    return pd.DataFrame(rows, columns=["model", "authority", "table", "state", "n"])
