"""Findings on published statistics: places, spellings, and every gap of the study's authorities."""

from __future__ import annotations

import pandas as pd

from sfpc_book.contracts.finding import Finding
from sfpc_book.published.contract import Contracts
from sfpc_book.published.geography import Geography, undeclared_codes, undeclared_spellings
from sfpc_book.study.study import Study

PROFILE_MEASURES = ("looked_after_rate", "starts_rate", "children_in_need_rate", "protection_plan_rate")


def check_geography(rows: pd.DataFrame, codes: pd.DataFrame, geography: Geography) -> list[Finding]:
    """Spellings, ONS codes and three-digit codes that nothing declares."""
    findings = []
    odd = undeclared_spellings(rows[["authority_code", "name", "source"]], codes, geography)
    for code, part in odd.groupby("authority_code"):
        names = ", ".join(sorted(set(part["name"])))
        findings.append(_place("published_spelling", str(code), f"spelling not in geography.yml: {names}"))
    for code, found, latest in undeclared_codes(rows[["authority_code", "gss_code", "year"]], geography):
        text = f"ONS code {found} is not declared as an earlier code of {latest}"
        findings.append(_place("published_ons_code", code, text))
    unlisted = sorted(set(rows["authority_code"]) - set(codes["authority_code"]))
    findings += [_place("published_code_list", code, "not in the code list") for code in unlisted]
    changed = rows.merge(
        pd.DataFrame(
            [(change.code, change.before) for change in geography.changed_codes],
            columns=["authority_code", "gss_code"],
        )
    )
    reorganised = sorted(set(rows["authority_code"]) & set(geography.reorganised_codes()))
    text = (
        f"{changed['authority_code'].nunique()} authorities carry an earlier ONS code in some year, "
        f"{len(reorganised)} belong to a reorganised area; series are joined by three-digit code"
    )
    findings.append(
        Finding(
            "published_geography",
            "places",
            "info",
            "note",
            float(len(reorganised)),
            None,
            "authorities",
            text,
        )
    )
    return findings


def _place(check: str, code: str, text: str) -> Finding:
    return Finding(check, code, "fail", "note", None, None, "", text)


def check_study(
    study: Study, codes: pd.DataFrame, series: pd.DataFrame, geography: Geography
) -> list[Finding]:
    """Do the names and codes the study gives its authorities agree with the code list and the data?"""
    listed = dict(zip(codes["authority_code"], codes["name"], strict=True))
    gss = dict(
        series.drop_duplicates("authority_code")[["authority_code", "gss_code"]].itertuples(
            index=False, name=None
        )
    )
    findings = []
    for slug, authority in study.authorities.items():
        names = {listed.get(authority.la_code), *geography.spellings.get(authority.la_code, ())}
        faults = []
        if authority.name not in names:
            faults.append(f"{authority.la_code} is {listed.get(authority.la_code, 'not in the code list')}")
        if gss.get(authority.la_code) != authority.gss_code:
            faults.append(f"ONS code in the data is {gss.get(authority.la_code, 'missing')}")
        text = "; ".join(faults) or "name, three-digit code and ONS code agree with the study"
        status = "fail" if faults else "pass"
        findings.append(
            Finding(
                "published_authority",
                slug,
                status,
                "mark",
                float(len(faults)),
                0.0,
                "faults",
                text,
                authority=slug,
            )
        )
    return findings


def check_gaps(study: Study, series: pd.DataFrame, contracts: Contracts) -> list[Finding]:
    """One finding per authority of the study and profile measure: which years are missing, and why."""
    findings = []
    for measure in PROFILE_MEASURES:
        part = series[series["measure"] == measure]
        years = sorted(part["year"].unique())
        wide = part.set_index(["authority_code", "year"])[["value", "symbol"]]
        for slug, authority in study.authorities.items():
            gaps = [_gap(wide, authority.la_code, year, contracts) for year in years]
            findings.append(_gap_finding(slug, measure, [gap for gap in gaps if gap], len(years)))
    return findings


def _gap(wide: pd.DataFrame, code: str, year: int, contracts: Contracts) -> str:
    if (code, year) not in wide.index:
        return f"{year} (no row)"
    value, symbol = wide.loc[(code, year)]
    if pd.notna(value):
        return ""
    return f"{year} ({contracts.symbols.get('' if symbol == 'blank' else symbol, symbol)})"


def _gap_finding(slug: str, measure: str, gaps: list[str], n_years: int) -> Finding:
    text = f"{len(gaps)} of {n_years} years missing" + (f": {', '.join(gaps)}" if gaps else "")
    return Finding(
        "published_gap",
        f"{slug} {measure}",
        "fail" if gaps else "pass",
        "mark",
        float(len(gaps)),
        0.0,
        "years",
        text,
        authority=slug,
        column=measure,
        count=len(gaps),
    )
