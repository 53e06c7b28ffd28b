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


def expected(golden: dict) -> Iterator[Row]:
    """Every number the tests compare, as rows of `wedge_expected.csv`."""
    for clusters, case in (("14", golden["xpert_swcrt"]), ("5", golden["xpert5"])):
        robust = case.get("clubSandwich") or case["clubSandwich_and_boottest"]
        for kind in ("CR0", "CR2", "CR3"):
            numbers = robust["CR3_within" if kind == "CR3" else kind]
            for name, value in zip(("estimate", "std_error", "df", "p_value"), numbers, strict=True):
                yield clusters, "equal", kind, name, CLUB_SANDWICH, value
        for name, value in zip(("estimate", "std_error", "p_value"), robust["feols"], strict=True):
            yield clusters, "equal", "panel_two_way", name, FIXEST, value
    for name, value in zip(("estimate", "std_error"), golden["xpert_swcrt"]["lme4"]["twfe_w"], strict=True):
        yield "14", "children", "panel_two_way", name, FIXEST + ", weighted by individuals", value
    published = golden["xpert_swcrt"]["published"]["W_TW"]
    for name, value in zip(("estimate", "p_value", "conf_low", "conf_high"), published, strict=True):
        yield "14", "equal", "randomisation", name, "GenDID, 1,000 random permutations", value
    exact = golden["xpert5"]["exact_permutation"]
    for name, value in (("p_value", exact["p_two_sided"]), ("conf_low", exact["ci95"][0]),
                        ("conf_high", exact["ci95"][1])):  # fmt: skip
        yield "5", "equal", "randomisation", name, ENUMERATION, value
    power = golden["power"]
    yield "standard 5", "equal", "power", "power", DESIGN, power["swCRTdesign_5cl_n100_icc.05_d.1"]
    yield "standard 5", "equal", "power", "power_cac_0.8", DESIGN + ", cac 0.8", power["cac.8"]
    closed_form = "Hussey and Hughes 2007, formula (8)"
    yield "standard 5", "equal", "power", "variance", closed_form, power["HH2007_var_5x6_s2_.01_icc.05"]


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
