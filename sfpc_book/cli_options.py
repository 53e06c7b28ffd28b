"""Options that several commands have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Study = Annotated[Path, typer.Option("--study", help="The study file: the protocol as data.")]
Build = Annotated[Path, typer.Option("--build", help="Folder for everything that is made.")]
Returns = Annotated[
    Path | None,
    typer.Option(
        "--returns", help="Folder of workbooks AUTHORITY_dr1_MONTH.xlsx, also dr2 and dr3; none: synthetic."
    ),
]
Published = Annotated[
    Path | None, typer.Option("--published", help="Folder of published statistics; none: synthetic.")
]
Seed = Annotated[int, typer.Option("--seed", help="Seed of the synthetic data: equal seeds, equal bytes.")]
Scale = Annotated[
    str,
    typer.Option("--scale", help="Size of the synthetic data: small, protocol, or a share of the protocol."),
]
Effect = Annotated[
    str, typer.Option("--effect", help="Planted effect of the synthetic data: growing, constant or none.")
]
Defects = Annotated[
    str,
    typer.Option(
        help="Kinds, with commas between; or all, none, usual (those that leave estimates near the truth)."
    ),
]
DefectRate = Annotated[
    float | None, typer.Option(help="Share of the sheets of each kind that get it; none: one.")
]
DefectShare = Annotated[
    float | None, typer.Option(help="Share of their cells or rows; none: as the kind does.")
]
Jobs = Annotated[int, typer.Option("--jobs", "-j", min=0, help="Processes at once; 0: one per core.")]
STUDY, BUILD = Path("study.yml"), Path("build")
