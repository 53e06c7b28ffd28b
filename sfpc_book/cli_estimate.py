"""Commands that run the book's estimators on data that somebody brings."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

Outcome = Annotated[str, typer.Option("--outcome", help="Column of the outcome: 0/1, a number, or a mean.")]
Exposed = Annotated[str, typer.Option("--exposed", help="Column of exposure, 0 or 1.")]
Cluster = Annotated[str, typer.Option("--cluster", help="Column of the cluster that was randomised.")]
Period = Annotated[str, typer.Option("--period", help="Column of the period: numbers or dates, in order.")]
Covariates = Annotated[
    str, typer.Option("--covariates", help="Columns with commas between; C(age) makes a number a code.")
]
Weights = Annotated[
    str | None, typer.Option("--weights", help="Column of the number of children that a row stands for.")
]
Stratum = Annotated[
    str | None, typer.Option("--stratum", help="Column of the stratum within which clusters were randomised.")
]
Scale = Annotated[str, typer.Option("--scale", help="linear, logit or all: which methods `all` means.")]
Methods = Annotated[str, typer.Option("--methods", help="Names with commas between, or all.")]
Level = Annotated[float, typer.Option("--conf-level", min=0.5, max=0.999, help="Level of the intervals.")]
Impute = Annotated[
    int,
    typer.Option(
        "--impute", min=0, help="Data sets in which blank codes are imputed and pooled; 0: refused."
    ),
]
Out = Annotated[Path, typer.Option("--out", help="CSV file to write.")]


def estimate(
    file: Annotated[Path, typer.Argument(help="CSV file, one row for each child or cluster-period.")],
    outcome: Outcome,
    exposed: Exposed,
    cluster: Cluster,
    period: Period,
    out: Out,
    covariates: Covariates = "",
    weights: Weights = None,
    stratum: Stratum = None,
    scale: Scale = "linear",
    methods: Methods = "all",
    conf_level: Level = 0.95,
    impute: Impute = 0,
) -> None:
    """Run the book's estimators on any table of a stepped wedge; one tidy row for each method and term.

    Columns written: `analysis` (the method), `term`, `estimate` in `unit`, `std_error`, `df`, `statistic`,
    `p_value`, `conf_low`, `conf_high`, `conf_level`, `n_children`, `n_events`, `n_clusters`, `n_periods`,
    `identified`, `status` (`ok`, or why there is no number), `reference` (the reference distribution, or
    `none: ` and why there is no interval; `without covariates` where they were given and not used), and of
    exact tests `n_orders`, `p_minimum` (the smallest p within reach), `level_maximum` (the highest level with
    a bounded interval); with imputations `missing_information` (the share of information that blanks cost).
    Log odds and risk ratios are logarithms.

    Exact tests exchange the clusters' starts within strata; a cluster without rows where its exposure may
    have begun has no known start, and a row of weight 0 for the empty period gives it. Covariates enter
    the methods of rows (`linear_cr2`, logits), not those of cluster-period means. Methods, linear:
    `panel_two_way`, `panel_two_way_unweighted`, `linear_cr2`, `linear_cr3`, `randomisation` (also
    `_studentised`, `_vertical`, `_crossover`), `exposure_time`, `exposure_time_average`, `vertical`,
    `crossover`, `leave_out`, `hussey_hughes`, `hussey_hughes_cells`, `wild_bootstrap_webb`,
    `wild_bootstrap_rademacher`.
    Logit: `fixed_effects_logit_cr2`,
    `fixed_effects_logit_cr3`, `mixed_logit`, `mixed_logit_quadrature`, `mixed_logit_cells`.

        sfpc-book estimate children.csv --outcome looked_after --exposed exposed --cluster authority
        --period period --covariates 'C(age),sex' --scale logit --out tidy.csv
    """
    from sfpc_book.book.workers import fixed_environment

    with fixed_environment():
        from sfpc_book.book.estimate_file import estimate_file, notes_of, roles_of

        roles = roles_of(
            outcome, exposed, cluster, period, covariates=covariates, weights=weights, stratum=stratum
        )
        rows = estimate_file(
            file, roles, scale=scale, methods=methods, conf_level=conf_level, imputations=impute, out=out
        )
    print_rows(rows, out, notes_of(roles, dict.fromkeys(rows["analysis"])))


def print_rows(rows, out: Path, notes: Iterable[str] = ()) -> None:
    """The numbers in short, what was not used, and where they all are."""
    console = Console()
    table = Table("method", "term", "estimate", "interval", "p", "status", box=None)
    for row in rows.to_dict("records"):
        estimate, low, high, p_value = (
            f"{row[name]:.4g}" if row[name] == row[name] else ""
            for name in ("estimate", "conf_low", "conf_high", "p_value")
        )
        interval = f"{low} to {high}" if low else ""
        why = row["reference"] if estimate and not low and not p_value else row["status"]
        table.add_row(row["analysis"], row["term"], estimate, interval, p_value, why)
    console.print(table)
    for note in notes:
        console.print(note, highlight=False, soft_wrap=True)
    console.print(f"{len(rows)} rows in {out}", highlight=False, soft_wrap=True)
