"""Write the wedge fixtures from a folder of reference numbers: `python tests/golden/make_wedge.py FOLDER`.

FOLDER holds `golden.json` and `xpert_public_swcrt.csv`. A test runs this again and compares the bytes.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path

Row = tuple[str, str, str, str, str, float]
COLUMNS = ("clusters", "weights", "analysis", "quantity", "source", "value")
FIXEST = "R fixest, clustered by cluster"
CLUB_SANDWICH = "R clubSandwich, Satterthwaite"
ENUMERATION = "full enumeration of 120 permutations by another program"
DESIGN = "R swCRTdesign swPwr"
GEN_DID = "GenDID, 1,000 random permutations"
PUBLISHED = {
    "W_TW": "randomisation",
    "NP_Eq": "vertical",
    "NP_IV": "vertical_precision",
    "CO1_CH_M": "crossover",
    "CO2": "crossover_precision",
}  # with p-value and interval by permutation; of the others only the estimate is used
PUBLISHED_ESTIMATES = {
    "NP_ATT": "vertical_exposed",
    "CO3": "crossover_unchanged",
    "CS_simple": "group_time_overall",
    "CS_dynamic": "group_time_by_event_time",
    "CS_group": "group_time_by_group",
    "CS_calendar": "group_time_by_calendar",
    "SA_ATT": "sun_abraham",
    "CPI_lmer": "mixed_cell_effects",
}
BOOTTEST = "R boottest, null imposed"
LME4 = "R lme4, children's own rows"


def expected(golden: dict) -> Iterator[Row]:
    """Every number the tests compare, as rows of `wedge_expected.csv`."""
    for clusters, case in (("14", golden["xpert_swcrt"]), ("5", golden["xpert5"])):
        robust = case.get("clubSandwich") or case["clubSandwich_and_boottest"]
        for kind in ("CR0", "CR2", "CR3"):
            numbers = robust["CR3_within" if kind == "CR3" else kind]
            for name, value in zip(("estimate", "std_error", "df", "p_value"), numbers, strict=True):
                yield clusters, "equal", kind, name, CLUB_SANDWICH, value
        for kind in ("CR1", "CR1S"):
            yield clusters, "equal", kind, "std_error", CLUB_SANDWICH, robust[kind][1]
        for name, value in zip(("estimate", "std_error", "p_value"), robust["feols"], strict=True):
            yield clusters, "equal", "panel_two_way", name, FIXEST, value
    for name, value in zip(("estimate", "std_error"), golden["xpert_swcrt"]["lme4"]["twfe_w"], strict=True):
        yield "14", "children", "panel_two_way", name, FIXEST + ", weighted by individuals", value
    yield from design_based(golden["xpert_swcrt"]["published"])
    yield from bootstraps(golden)
    yield from mixed_models(golden["xpert_swcrt"]["lme4"])
    exact = golden["xpert5"]["exact_permutation"]
    for name, value in (("p_value", exact["p_two_sided"]), ("conf_low", exact["ci95"][0]),
                        ("conf_high", exact["ci95"][1]), ("p_below", exact["p_one_sided"]),
                        ("n_orders", exact["n"])):  # fmt: skip
        yield "5", "equal", "randomisation", name, ENUMERATION, value
    power = golden["power"]
    yield "standard 5", "equal", "power", "power", DESIGN, power["swCRTdesign_5cl_n100_icc.05_d.1"]
    yield "standard 5", "equal", "power", "power_cac_0.8", DESIGN + ", cac 0.8", power["cac.8"]
    closed_form = "Hussey and Hughes 2007, formula (8)"
    yield "standard 5", "equal", "power", "variance", closed_form, power["HH2007_var_5x6_s2_.01_icc.05"]


def design_based(published: dict) -> Iterator[Row]:
    """Within-period, crossover and two-way estimates with their permutation tests, as published."""
    for key, analysis in PUBLISHED.items():
        for name, value in zip(("estimate", "p_value", "conf_low", "conf_high"), published[key], strict=True):
            yield "14", "equal", analysis, name, GEN_DID, value
    for key, analysis in PUBLISHED_ESTIMATES.items():
        yield "14", "equal", analysis, "estimate", "GenDID", published[key][0]


def bootstraps(golden: dict) -> Iterator[Row]:
    """Wild cluster bootstraps. Signs are enumerated there too, but ties are not counted as extreme."""
    for clusters, case in (
        ("14", golden["xpert_swcrt"]["clubSandwich"]),
        ("5", golden["xpert5"]["clubSandwich_and_boottest"]),
    ):
        for kind, interval in (("rademacher", "rad_ci"), ("webb", "webb_ci")):
            source = f"{BOOTTEST}, {'all sign patterns' if kind == 'rademacher' else '99,999 draws'}"
            yield clusters, "equal", kind, "p_value", source, case[f"{kind} TRUE"][0]
            yield clusters, "equal", kind, "statistic", source, case[f"{kind} TRUE"][1]
            if (clusters, kind) != ("5", "rademacher"):  # an interval below the floor of p is not one
                for name, value in zip(("conf_low", "conf_high"), case[interval], strict=True):
                    yield clusters, "equal", kind, name, source, value


def mixed_models(lme4: dict) -> Iterator[Row]:
    """Hussey and Hughes' model, and the one with cell effects, of the 0/1 outcome."""
    simple, split = lme4["hh_lmer"], lme4["cpi_lmer"]
    names = {"Cluster": "authority_variance", "cp": "cell_variance", "Residual": "residual_variance"}
    for analysis, case in (("mixed", simple), ("mixed_cell_effects", split)):
        yield "14", "children", analysis, "estimate", LME4, case["b"]
        yield "14", "children", analysis, "std_error", LME4, case["se"]
        for part in case["vc"]:
            yield "14", "children", analysis, names[part["grp"]], LME4, part["vcov"]
    for name in ("df", "p"):
        quantity = "p_value" if name == "p" else name
        yield "14", "children", "mixed_cell_effects", quantity, "R lmerTest, Satterthwaite", split[name]
    columns = ("estimate", "std_error", "df", "statistic", "p_value")
    for name, value in zip(columns, lme4["cpi_kr"], strict=True):
        yield "14", "children", "mixed_kenward_roger", name, "R pbkrtest, Kenward-Roger", value


def write(folder: Path, target: Path) -> None:
    """Write the three fixtures into `target`."""
    golden = json.loads((folder / "golden.json").read_text(encoding="utf-8"))
    with (target / "wedge_expected.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([COLUMNS, *expected(golden)])
    with (target / "holm_expected.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        adjusted = golden["p_adjust"]
        writer.writerows([("p_value", "holm"), *zip(adjusted["p"], adjusted["holm"], strict=True)])
    with (folder / "xpert_public_swcrt.csv").open(encoding="utf-8") as source:
        rows = [
            (row["Cluster"], row["Period"], row["Interv"], row["Events"], row["Indivs"])
            for row in csv.DictReader(source)
        ]
    with (target / "wedge_14_clusters.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([("cluster", "period", "exposed", "events", "children"), *rows])


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(__file__).parent)
