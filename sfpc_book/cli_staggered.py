"""The command that runs estimators of staggered adoption on a panel that somebody brings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sfpc_book.cli_estimate import Level, Methods, Out, print_rows

Outcome = Annotated[str, typer.Option("--outcome", help="Column of the outcome, a number.")]
Unit = Annotated[str, typer.Option("--unit", help="Column of the unit that adopts.")]
Time = Annotated[str, typer.Option("--time", help="Column of the time: numbers or dates, in order.")]
First = Annotated[
    str,
    typer.Option(
        "--first-treated", help="Column of a unit's first treated time; 0, blank or never for never treated."
    ),
]
Weights = Annotated[str | None, typer.Option("--weights", help="Column of weights above 0.")]
Cluster = Annotated[
    str | None, typer.Option("--cluster", help="Column of clusters that hold whole units; else the unit.")
]
Covariates = Annotated[
    str,
    typer.Option("--covariates", help="Numbers to adjust for, commas between: doubly robust method only."),
]


def staggered(
    file: Annotated[Path, typer.Argument(help="CSV file, one row for each unit and time.")],
    outcome: Outcome,
    unit: Unit,
    time: Time,
    first_treated: First,
    out: Out,
    weights: Weights = None,
    cluster: Cluster = None,
    covariates: Covariates = "",
    methods: Methods = "all",
    conf_level: Level = 0.95,
) -> None:
    """Run estimators of staggered adoption on a balanced panel; one tidy row for each method and term.

    Columns written are those of `sfpc-book estimate`: `analysis` (the method), `term`, `estimate` in `unit`,
    `std_error`, `df`, `statistic`, `p_value`, `conf_low`, `conf_high`, `n_clusters`, `n_periods`,
    `identified`, `status` (`ok`, or why there is no number), `reference` (the reference distribution: `t` on
    clusters - 1, `placebo units`, or why there is no error), and of placebos `n_orders` and `p_minimum`.

    Methods, with their terms:

    - `group_time` (never-treated controls), `group_time_not_yet` (all not yet treated),
      `group_time_doubly_robust` (needs covariates): `group_G_time_T` (before G: change since the time
      before), `event_time_E`, their mean `event_time_average`, `overall`.
    - `group_time_placebo`, `two_way_placebo`: the same effects, judged by giving never-treated units the
      starts of the treated: read these where few units adopt, for then errors by `t` are too small.
    - `imputation`, `sun_abraham`: `event_time_E`, `overall`.
    - `two_way`: `exposed`; the only one to take weights that change over time.
    - `goodman_bacon`: each comparison as `G_vs_H` with `weight_G_vs_H`, the same by kind, `weight_forbidden`
      (controls that are treated already), `two_way`. No weights.
    - `synthetic_did`, `synthetic_control`: `overall`. One date of adoption, three times or more before it, no
      weights.

    Event time 0 is the first treated time; times count in their order. Where no unit is never treated, the
    last adopters serve as controls until they adopt, and what lies after is `not_identified`.

        sfpc-book staggered panel.csv --outcome rate --unit authority --time year
        --first-treated first_year --out tidy.csv
    """
    from sfpc_book.book.workers import fixed_environment

    with fixed_environment():
        from sfpc_book.book.estimate_file import parts
        from sfpc_book.book.staggered_file import staggered_file
        from sfpc_book.published.staggered_methods import without_covariates
        from sfpc_book.published.staggered_table import PanelRoles

        roles = PanelRoles(outcome, unit, time, first_treated, weights, cluster, parts(covariates))
        rows = staggered_file(file, roles, methods=methods, conf_level=conf_level, out=out)
        idle = without_covariates(dict.fromkeys(rows["analysis"])) if roles.covariates else ()
    print_rows(rows, out, [f"--covariates are not used by {', '.join(idle)}."] if idle else ())
