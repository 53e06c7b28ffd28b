"""Make a folder of synthetic data returns: workbooks, the truth, the answer key of what is wrong in them."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import pandas as pd

from sfpc_book.contracts.contract import DATA_CONTRACTS, TableContract, load_contracts
from sfpc_book.contracts.vocabulary import Vocabularies
from sfpc_book.errors import ReturnsError
from sfpc_book.simulate.canonical import Sent, layout_of, sent_returns
from sfpc_book.simulate.children import SimulatedModel, simulate_children
from sfpc_book.simulate.defects import Plan, answer_key, lists_factors, plan_defects, plant
from sfpc_book.simulate.effects import EffectSettings
from sfpc_book.simulate.grids import books_of
from sfpc_book.simulate.planting import Planted
from sfpc_book.simulate.truth import truth_table
from sfpc_book.simulate.workbooks import write_book
from sfpc_book.study.schema import Study

SEED = 20240401
BORROWED = 3


@dataclass(frozen=True)
class Order:
    """All that is needed to write the workbooks of one authority, in this process or another."""

    study: Study
    authority: str
    sent: Sent
    contracts: dict[str, TableContract]
    words: Vocabularies
    layout: str
    plans: tuple[Plan, ...]
    borrowed: tuple[str, ...]
    seed: int
    folder: Path


@dataclass(frozen=True)
class Written:
    """What became of an order."""

    planted: list[Planted]
    corrections: list[dict[str, object]]
    files: dict[str, str]


def simulate_returns(
    study: Study,
    folder: Path,
    *,
    scale: float = 0.1,
    seed: int = SEED,
    effect: str | EffectSettings = "growing",
    defects: bool | Sequence[str] = True,
    jobs: int = 1,
    data_contracts: Path = DATA_CONTRACTS,
) -> Path:
    """Write `<folder>/<slug>/*.xlsx` for every trial authority, with the truth and the answer key beside.

    Also writes `manifest.json` (synthetic, seed, scale, effect, checksum of every file), `truth.csv`,
    `answer_key.csv` and `corrections.yml` (what a person would declare to mend the planted defects). Equal
    arguments give equal bytes. The folder appears whole or not at all; an earlier synthetic one is replaced.

    Parameters
    ----------
    scale
        1 is the size of the protocols.
    defects
        All kinds, none, or those named.
    jobs
        Processes that write workbooks.

    Raises
    ------
    ParameterError
        For a scale, effect or defect that is not allowed.
    ReturnsError
        If the folder exists and is not a synthetic one.
    """
    folder = Path(folder)
    _refuse_real(folder)
    plans = plan_defects(study, load_contracts(data_contracts), seed, defects)
    models = [
        simulate_children(study, model, scale=scale, effect=effect, seed=seed, data_contracts=data_contracts)
        for model in study.models
    ]
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}_", dir=folder.parent))
    try:
        written = _write_all([order for model in models for order in _orders(model, plans, partial)], jobs)
        _write_records(partial, models, written)
        if folder.exists():
            shutil.rmtree(folder)
        partial.chmod(0o755)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def _refuse_real(folder: Path) -> None:
    manifest = folder / "manifest.json"
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not manifest.is_file() or not json.loads(manifest.read_text(encoding="utf-8")).get("synthetic"):
        raise ReturnsError(
            f"{folder} exists and is not a folder of synthetic returns; nothing was written. "
            "Name another folder, or move this one away."
        )


def _orders(model: SimulatedModel, plans: tuple[Plan, ...], folder: Path) -> list[Order]:
    returns = sent_returns(model)
    slugs = list(returns)
    return [
        Order(
            study=model.study,
            authority=slug,
            sent=returns[slug],
            contracts=model.contracts,
            words=model.words,
            layout=layout_of(model),
            plans=tuple(plan for plan in plans if plan.authority == slug),
            borrowed=_some_identifiers(returns[slugs[number - 1]]),
            seed=model.seed,
            folder=folder / slug,
        )
        for number, slug in enumerate(slugs)
    ]


def _some_identifiers(sent: Sent) -> tuple[str, ...]:
    """The first identifiers that another authority uses in its largest referral return."""
    tables = [tables["dr2_referrals"] for tables in sent.values() if "dr2_referrals" in tables]
    return tuple(max(tables, key=len)["child_id"].head(BORROWED))


def _write_all(orders: list[Order], jobs: int) -> list[Written]:
    if jobs == 1:
        return [_write(order) for order in orders]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        return list(pool.map(_write, orders))


def _write(order: Order) -> Written:
    books = books_of(
        order.authority, order.sent, order.contracts, order.words, order.layout,
        factor_columns=not lists_factors(order.study, order.authority),
    )  # fmt: skip
    books, planted, corrections = plant(
        books, order.plans, order.study, order.contracts, order.words, order.borrowed, order.seed
    )
    order.folder.mkdir(parents=True)
    paths = [write_book(book, order.folder) for book in books]
    return Written(planted, corrections, {f"{path.parent.name}/{path.name}": _sha256(path) for path in paths})


def _write_records(folder: Path, models: list[SimulatedModel], written: list[Written]) -> None:
    _write_csv(truth_table(models), folder / "truth.csv")
    _write_csv(answer_key(row for part in written for row in part.planted), folder / "answer_key.csv")
    corrections = [row for part in written for row in part.corrections]
    _write_corrections(sorted(corrections, key=lambda row: str(row["id"])), folder / "corrections.yml")
    files = {name: digest for part in written for name, digest in part.files.items()}
    for name in ("answer_key.csv", "corrections.yml", "truth.csv"):
        files[name] = _sha256(folder / name)
    first = models[0]
    manifest = {
        "synthetic": True,
        "seed": first.seed,
        "scale": first.scale,
        "effect": first.effect.shape,
        "effect_settings": asdict(first.effect),
        "files": files,
    }
    text = json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False)
    (folder / "manifest.json").write_text(text + "\n", encoding="utf-8", newline="\n")


def _write_corrections(rows: Iterable[dict[str, object]], path: Path) -> None:
    """One correction a line, in JSON, which is YAML."""
    lines = ["# Corrections of the defects planted in these synthetic returns.", "corrections:"]
    lines += [f"  - {json.dumps(row, ensure_ascii=False)}" for row in rows]
    text = "\n".join(lines if len(lines) > 2 else [lines[0], "corrections: []"])
    path.write_text(text + "\n", encoding="utf-8", newline="\n")


def _write_csv(frame: pd.DataFrame, path: Path) -> None:
    frame.to_csv(path, index=False, encoding="utf-8", lineterminator="\n")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
