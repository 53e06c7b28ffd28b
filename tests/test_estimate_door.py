"""The estimators on a file that somebody brings: what it gives, and what it says of bad files."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from estimate_frames import GOLDEN
from typer.testing import CliRunner

from sfpc_book.book import estimate_file
from sfpc_book.cli import application, main
from sfpc_book.errors import EstimationError, ParameterError
from sfpc_book.estimate.estimate import TIDY_COLUMNS
from sfpc_book.estimate.methods import METHODS, estimate_table, methods_of
from sfpc_book.estimate.trial_table import Roles, trial_table

CHILDREN = GOLDEN / "logit_5_clusters" / "children.csv"
COVARIATES = "C(age),sex,ethnicity,disabled,previous_plans,uasc"
COLUMNS = [
    "--outcome",
    "looked_after",
    "--exposed",
    "exposed",
    "--cluster",
    "authority",
    "--period",
    "period",
]


def run(tmp_path: Path, file: Path, *options: str) -> tuple[int, str, Path]:
    out = tmp_path / "tidy.csv"
    found = CliRunner().invoke(application, ["estimate", str(file), *options, "--out", str(out)])
    if isinstance(found.exception, EstimationError | ParameterError):
        return found.exception.exit_code, found.exception.text(), out
    return found.exit_code, found.output, out


def test_the_file_of_children_gives_what_r_gives(tmp_path):
    methods = "fixed_effects_logit_cr2,mixed_logit,mixed_logit_quadrature,linear_cr2"
    code, _, out = run(
        tmp_path, CHILDREN, *COLUMNS, "--covariates", COVARIATES, "--scale", "all", "--methods", methods
    )
    assert code == 0
    rows = pd.read_csv(out)
    assert tuple(rows.columns) == TIDY_COLUMNS
    found = rows.set_index(["analysis", "term"])
    reference = pd.read_csv(GOLDEN / "logit_5_clusters" / "reference.csv", skipinitialspace=True)
    reference = reference[reference["term"] == "exposed"].set_index("model")
    pairs = {
        "fixed_effects_logit_cr2": "fixed_effects_logit_CR2",
        "linear_cr2": "linear_probability_CR2",
        "mixed_logit": "mixed_logit_laplace",
        "mixed_logit_quadrature": "mixed_logit_agq15",
    }
    for ours, theirs in pairs.items():
        row, expected = found.loc[(ours, "exposed")], reference.loc[theirs]
        assert row["estimate"] == pytest.approx(expected["estimate"], rel=1e-4), ours
        assert row["std_error"] == pytest.approx(expected["std_error"], rel=5e-3), ours
        if not math.isnan(expected["df"]):
            assert row[["df", "p_value"]].tolist() == pytest.approx(
                expected[["df", "p_value"]].tolist(), rel=1e-6
            )
    risks = pd.read_csv(GOLDEN / "logit_5_clusters" / "reference_standardised.csv", skipinitialspace=True)
    difference = found.loc[("fixed_effects_logit_cr2", "standardised_risk_difference"), "estimate"]
    assert difference == pytest.approx(risks.set_index("quantity")["value"]["risk_difference"], rel=1e-6)


def test_cells_give_what_published_programs_give(tmp_path):
    frame = pd.read_csv(GOLDEN / "wedge_14_clusters.csv")
    frame = frame.assign(share=100 * frame["events"] / frame["children"])
    file = tmp_path / "cells.csv"
    frame.to_csv(file, index=False)
    options = ["--outcome", "share", "--exposed", "exposed", "--cluster", "cluster", "--period", "period"]
    code, _, out = run(tmp_path, file, *options, "--methods", "panel_two_way_unweighted,vertical,crossover")
    assert code == 0
    found = pd.read_csv(out).set_index("analysis")["estimate"]
    assert found["panel_two_way_unweighted"] == pytest.approx(-6.057329, abs=1e-6)
    assert found["vertical"] == pytest.approx(-6.523288, abs=1e-6)
    assert found["crossover"] == pytest.approx(-4.782486, abs=1e-6)


def test_all_methods_run_and_strata_narrow_the_orders(tmp_path):
    frame = pd.read_csv(CHILDREN).assign(
        stratum=lambda rows: np.where(rows["authority"].isin(["a", "b"]), "x", "y")
    )
    file = tmp_path / "children.csv"
    frame.to_csv(file, index=False)
    code, said, out = run(tmp_path, file, *COLUMNS, "--stratum", "stratum", "--scale", "linear")
    assert code == 0
    rows = pd.read_csv(out)
    assert set(methods_of("linear")) <= set(rows["analysis"])
    exact = rows[rows["analysis"] == "randomisation"].iloc[0]
    assert exact["n_orders"] == 12 and exact["p_minimum"] == pytest.approx(1 / 12)
    assert str(out) in said.replace("\n", "")


def table(**changes: object) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    cells = [(c, p, int(p > c)) for c in range(4) for p in range(6)]
    frame = pd.DataFrame(cells * 8, columns=["cluster", "period", "exposed"])
    frame["y"] = rng.binomial(1, 0.3, len(frame))
    frame["n"], frame["group"] = 1, frame["cluster"] % 2
    return frame.assign(**changes)


ROLES = Roles("y", "exposed", "cluster", "period")


def first(value: object, column: str) -> pd.DataFrame:
    frame = table()
    frame[column] = frame[column].astype(object)
    frame.loc[2, column] = value
    return frame


@pytest.mark.parametrize(
    ("frame", "roles", "words"),
    [
        (table(), Roles("yy", "exposed", "cluster", "perid"), ["no column 'yy'", "did you mean 'period'"]),
        (first(None, "y"), ROLES, ["column 'y' (outcome) is blank in row(s) 3"]),
        (first("x", "y"), ROLES, ["'y' is not a finite number in row(s) 3"]),
        (first(2, "exposed"), ROLES, ["'exposed' is neither 0 nor 1 in row(s) 3"]),
        (first("spring", "period"), ROLES, ["must hold numbers, or dates"]),
        (first(-1, "n"), Roles("y", "exposed", "cluster", "period", "n"), ["number of at least 0"]),
        (first(9, "group"), replace(ROLES, stratum="group"), ["several values of 'group'"]),
        (table(name=[f"n{i}" for i in range(192)]), replace(ROLES, covariates=("name",)),
         ["'name' is a code of 192 levels"]),
        (table().iloc[:0], ROLES, ["no rows"]),
    ],
)  # fmt: skip
def test_a_bad_table_is_refused_with_all_its_faults(frame, roles, words):
    with pytest.raises(EstimationError) as error:
        trial_table(frame, roles)
    for text in words:
        assert text in error.value.text()


def test_several_faults_are_told_at_once():
    frame = first("x", "y")
    frame.loc[5, "exposed"] = 7
    with pytest.raises(EstimationError) as error:
        trial_table(frame, ROLES)
    assert len(error.value.problems) == 2


def with_blanks(share: float = 0.15) -> pd.DataFrame:
    rng = np.random.default_rng(6)
    kind = rng.choice(["low", "middle", "high"], 192)
    frame = table(kind=kind, y=rng.binomial(1, np.where(kind == "high", 0.6, 0.25)))
    return frame.assign(kind=frame["kind"].mask(rng.random(192) < share), age=rng.normal(size=192))


def test_blank_codes_are_imputed_and_pooled_or_else_refused():
    roles = replace(ROLES, covariates=("kind", "age"))
    with pytest.raises(EstimationError, match="'kind'"):
        trial_table(with_blanks(), roles)
    names = ["linear_cr2", "fixed_effects_logit_cr2", "mixed_logit"]
    filled = trial_table(with_blanks(), roles, imputations=5)
    rows = estimate_table(filled, names, outcome="y")
    assert len(filled.imputed) == 5 and (rows["status"] == "ok").all()
    assert rows["reference"].str.contains("pooled over imputations").all()
    complete = trial_table(with_blanks(0), roles)
    whole = estimate_table(complete, names, outcome="y")
    assert rows["estimate"].to_numpy() == pytest.approx(whole["estimate"].to_numpy(), abs=0.25)
    cr2 = rows["analysis"] != "mixed_logit"
    assert (rows.loc[cr2, "df"] < whole.loc[cr2, "df"]).all()


def test_imputation_is_of_children_one_by_one():
    roles = Roles("y", "exposed", "cluster", "period", "n", covariates=("kind",))
    for number in (1, 5):
        with pytest.raises(EstimationError, match="single children"):
            trial_table(with_blanks(), roles, imputations=number)
    numeric = with_blanks().assign(age=lambda rows: rows["age"].mask(rows.index == 3))
    with pytest.raises(EstimationError, match="'age'"):
        trial_table(numeric, replace(ROLES, covariates=("kind", "age")), imputations=5)


def test_leaving_parts_out_names_each_of_them():
    rows = estimate_table(trial_table(table(), ROLES), ["leave_out"], outcome="y")
    parts = [f"without_cluster_{n}" for n in range(4)] + [f"without_period_{n}" for n in range(6)]
    for name in ("leave_out", "leave_out_randomisation"):
        assert rows.loc[rows["analysis"] == name, "term"].tolist() == parts
    without = estimate_table(
        trial_table(table().query("cluster != 2"), ROLES), ["panel_two_way"], outcome="y"
    )
    found = rows[(rows["analysis"] == "leave_out") & (rows["term"] == "without_cluster_2")]
    assert found["estimate"].tolist() == pytest.approx(without["estimate"].tolist())


def exposed_by_child() -> pd.DataFrame:
    frame = table()
    return frame.assign(exposed=np.arange(len(frame)) // 24 % 2)


@pytest.mark.parametrize(
    ("frame", "status"),
    [
        (table(y=0), "constant outcome"),
        (table().query("cluster == 1"), "one authority"),
        (table(exposed=1), "not_identified"),
        (table(n=0), "not_estimable"),
    ],
)
def test_a_design_that_cannot_carry_an_estimate_has_statuses_and_no_numbers(frame, status):
    roles = Roles("y", "exposed", "cluster", "period", "n")
    if (frame["n"] == 0).all():
        rows = estimate_table(
            trial_table(frame, roles), ["linear_cr2", "fixed_effects_logit_cr2"], outcome="y"
        )
    else:
        rows = estimate_table(trial_table(frame, roles), METHODS, outcome="y")
    assert rows["estimate"].isna().all()
    # What is left without a cluster or a period has its own reason.
    parts = rows["analysis"].str.startswith("leave_out")
    assert rows.loc[~parts, "status"].str.contains(status).all()
    assert (rows.loc[parts, "status"] != "ok").all()


def test_exposure_that_varies_within_a_cell_is_for_models_of_rows_only():
    rows = estimate_table(trial_table(exposed_by_child(), ROLES), METHODS, outcome="y").set_index("analysis")
    assert "kept from then on" in rows.loc["randomisation", "status"]
    assert rows.loc["linear_cr2", "status"] == "ok"


def test_an_outcome_beyond_0_and_1_has_no_logit():
    rows = estimate_table(trial_table(table(y=np.arange(192.0)), ROLES), methods_of("logit"), outcome="y")
    assert rows["status"].str.contains("not between 0 and 1").all()


def test_weights_stand_for_rows():
    frame = table()
    cells = frame.groupby(["cluster", "period", "exposed"], as_index=False).agg(
        y=("y", "mean"), n=("y", "size")
    )
    of_cells = trial_table(cells, Roles("y", "exposed", "cluster", "period", "n"))
    names = ["panel_two_way", "linear_cr2", "fixed_effects_logit_cr2", "mixed_logit", "randomisation"]
    ours = estimate_table(of_cells, names, outcome="y")
    rows = estimate_table(trial_table(frame, ROLES), names, outcome="y")
    for column in ("estimate", "std_error", "df", "p_value"):
        assert ours[column].to_numpy() == pytest.approx(rows[column].to_numpy(), rel=1e-6, nan_ok=True)
    assert (ours["n_children"] == rows["n_children"]).all() and (ours["n_events"] == rows["n_events"]).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--methods", "panel_two_way,magic"], "'magic' not known. Allowed: all, panel_two_way"),
        (["--scale", "probit"], "--scale 'probit' is not known"),
        (["--outcome", "looked_afer"], "did you mean 'looked_after'?"),
    ],
)
def test_wrong_options_are_told_and_nothing_is_written(tmp_path, options, words):
    code, said, out = run(tmp_path, CHILDREN, *COLUMNS, *options)
    assert code != 0 and words in said
    assert not out.exists()


def test_a_file_that_is_no_table_is_told(tmp_path):
    nothing = tmp_path / "nothing.csv"
    nothing.write_bytes(b"\xff\xfe\x00\x01")
    for file in (nothing, tmp_path / "absent.csv"):
        code, said, _ = run(tmp_path, file, *COLUMNS)
        assert code == 6 and file.name in said


FEW = ["--outcome", "y", "--exposed", "exposed", "--cluster", "cluster", "--period", "period"]


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "rows.csv"
    file.write_text(text, encoding="utf-8")
    return file


def lines(*rows: str, header: str = "cluster,period,exposed,note,y") -> str:
    whole = [f"{c},{p},{int(p > c)},fine,{(c * 7 + p * 3) % 5}" for c in range(4) for p in range(6)]
    return "\n".join([header, *whole, *rows]) + "\n"


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("text", "words"),
    [
        (lines("3,5,1,one, two,4"), "Expected 5 fields in line 26, saw 6"),
        (lines().replace("fine", "one, two"), "rows have more cells than the header"),
        (lines(header="cluster,period,exposed,y,y"), "2 columns are called 'y'"),
        (lines("3,5,1,short"), "column 'y' (outcome) is blank in row(s) 25"),
        (lines("3,5,1,fine,-inf"), "'y' is not a finite number in row(s) 25"),
        (lines('3,5,1,fine,"4,5"'), "'y' is not a finite number in row(s) 25"),
        ("cluster,period,exposed,note,y\n", "it has no rows"),
        ("", "is no CSV file"),
    ],
)
def test_a_file_that_would_be_read_awry_is_refused(tmp_path, text, words):
    """A comma in a text moves what follows it; pandas would shift the columns or cut the row."""
    code, said, out = run(tmp_path, written(tmp_path, text), *FEW)
    assert code != 0 and words in said and not out.exists()


@pytest.mark.filterwarnings("error")
def test_a_file_read_in_parts_is_the_file_read_whole(tmp_path, monkeypatch):
    """Codes are numbers in one part and text in another; a trailing comma adds nothing."""
    options = ["--covariates", "note", "--methods", "panel_two_way,linear_cr2"]
    text = lines(*["0,1,1,1,2", "1,3,1,2,0", "2,4,1,1,3", "3,1,0,3+,4", "3,2,0,2,1"])
    text = text.replace("fine", "1")
    _, _, out = run(tmp_path, written(tmp_path, text), *FEW, *options)
    whole = pd.read_csv(out)
    monkeypatch.setattr(estimate_file, "ROWS_AT_ONCE", 4)
    for other in (text, text.replace("\n", ",\n").replace("y,", "y", 1)):
        _, said, out = run(tmp_path, written(tmp_path, other), *FEW, *options)
        pd.testing.assert_frame_equal(pd.read_csv(out), whole)
    assert "--covariates are not used by panel_two_way." in said


def test_the_help_documents_the_columns_that_are_written(capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["sfpc-book", "estimate", "--help"])
    with pytest.raises(SystemExit):
        main()
    said = capsys.readouterr().out
    for name in ("estimate", "conf_low", "p_minimum", "status", "C(age)", "randomisation", "mixed_logit"):
        assert name in said
