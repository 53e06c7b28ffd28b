"""Is what an authority sent fit for use? Everything is a finding with its limit; nothing is repaired here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from sfpc_book.contracts.finding import Finding
from sfpc_book.contracts.limits import Limits
from sfpc_book.returns.check_coverage import check_linkage, check_sent, check_span
from sfpc_book.returns.check_history import check_history
from sfpc_book.returns.check_records import check_keys, check_missing, check_records
from sfpc_book.returns.check_relations import check_months, check_relations
from sfpc_book.returns.check_sheets import check_sheets
from sfpc_book.returns.declared import Declared, layout_of
from sfpc_book.returns.measure import measure
from sfpc_book.returns.names import ReturnFile
from sfpc_book.returns.origin import Origin
from sfpc_book.returns.records import Returns
from sfpc_book.study.study import Study


def check_authority(
    study: Study, returns: Returns, files: Sequence[ReturnFile], declared: Declared
) -> tuple[Finding, ...]:
    """All findings about what one authority sent: what came, its records, relations, history, each sheet."""
    contracts, limits, slug, tables = declared.contracts, declared.limits, returns.authority, returns.tables
    return (
        *check_sent(study, tables, contracts, files, limits, slug),
        *check_span(study, tables, limits, slug),
        *check_linkage(study, tables, limits, slug),
        *check_records(tables, contracts, limits, slug),
        *check_keys(tables, contracts, slug),
        *check_missing(tables, contracts, limits, slug, layout=layout_of(study, slug)),
        *check_relations(tables, contracts, limits, slug, comparable="totals" in declared.comparable),
        *check_months(study, returns.sheets, contracts, limits),
        *check_history(study, tables, contracts, limits, slug),
        *check_sheets(returns.sheets, declared, authority=slug, layout=layout_of(study, slug)),
    )


def check_across(returns: Mapping[str, Mapping[str, pd.DataFrame]], limits: Limits) -> tuple[Finding, ...]:
    """Identifiers that two authorities share, one finding per authority. `returns`: tables by authority."""
    identifiers = {
        slug: pd.Index(tables["dr2_referrals"]["child_id"].dropna().unique())
        for slug, tables in returns.items()
        if "dr2_referrals" in tables
    }
    if not identifiers:
        return ()
    owners = pd.concat([pd.Series(1, index=index) for index in identifiers.values()]).groupby(level=0).sum()
    shared = owners.index[owners > 1]
    findings = []
    for slug, index in identifiers.items():
        count = int(index.isin(shared).sum())
        text = f"{count} of {len(index)} identifiers are also used by another authority"
        origin = Origin(slug, "dr2", table="dr2_referrals")
        findings.append(
            measure(
                limits,
                "identifier_in_two_authorities",
                count,
                text,
                origin,
                column="child_id",
                count=count,
            )
        )
    return tuple(findings)
