"""Make a folder of synthetic data returns: workbooks, the truth, the answer key of what is wrong in them."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path

import pandas as pd

from sfpc_book.contracts.contract import DATA_CONTRACTS, load_contracts
from sfpc_book.errors import ParameterError, ReturnsError
from sfpc_book.simulate.children import SimulatedModel, simulate_children
from sfpc_book.simulate.defects import chosen_defects
from sfpc_book.simulate.effects import EffectSettings
from sfpc_book.simulate.placing import place_defects
from sfpc_book.simulate.sending import Order, Written, orders_of, write_corrections, write_returns
from sfpc_book.simulate.spoiling import answer_key
from sfpc_book.simulate.truth import truth_table
from sfpc_book.study.schema import Study

SEED = 20240401


def simulate_returns(
    study: Study,
    folder: Path,
    *,
    scale: float = 0.1,
    seed: int = SEED,
    effect: str | EffectSettings = "growing",
    defects: bool | Sequence[str] = True,
    rate: float | None = None,
    share: float | None = None,
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
        Those named, none, or (True) all that leave the estimates near the truth.
    rate
        Share of the places of each kind (sheets that it could stand in) that get it, 0 to 1, as far as
        defects leave each other room; at least one place. None: one.
    share
        Share of the cells or rows that could be spoilt at a place which are; at least one, and more where
        fewer could not be told. None: as many as each kind does by itself.
    jobs
        Processes that write workbooks.

    Raises
    ------
    ParameterError
        For a scale, effect, defect, rate or share that is not allowed.
    ReturnsError
        If the folder exists and is not a synthetic one.
    """
    folder = Path(folder)
    _refuse_real(folder)
    _check_shares(rate=rate, share=share)
    plans = place_defects(study, load_contracts(data_contracts), chosen_defects(defects), seed, rate)
    models = [
        simulate_children(study, model, scale=scale, effect=effect, seed=seed, data_contracts=data_contracts)
        for model in study.models
    ]
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}_", dir=folder.parent))
    try:
        orders = [order for model in models for order in orders_of(model, plans, share)]
        written = _write_all(orders, partial, jobs)
        _write_records(partial, models, written)
        if folder.exists():
            shutil.rmtree(folder)
        partial.chmod(0o755)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def _check_shares(**shares: float | None) -> None:
    for name, value in shares.items():
        if value is not None and not 0 <= value <= 1:
            raise ParameterError(f"{name} is {value}; it must be from 0 to 1")


def _refuse_real(folder: Path) -> None:
    manifest = folder / "manifest.json"
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not manifest.is_file() or not json.loads(manifest.read_text(encoding="utf-8")).get("synthetic"):
        raise ReturnsError(
            f"{folder} exists and is not a folder of synthetic returns; nothing was written. "
            "Name another folder, or move this one away."
        )


def _write_all(orders: list[Order], folder: Path, jobs: int) -> list[Written]:
    if jobs == 1:
        return [write_returns(order, folder) for order in orders]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        return list(pool.map(write_returns, orders, repeat(folder)))


def _write_records(folder: Path, models: list[SimulatedModel], written: list[Written]) -> None:
    _write_csv(truth_table(models), folder / "truth.csv")
    _write_csv(answer_key(row for part in written for row in part.planted), folder / "answer_key.csv")
    corrections = [row for part in written for row in part.corrections]
    write_corrections(corrections, folder / "corrections.yml")
    files = {f"{path.parent.name}/{path.name}": _sha256(path) for part in written for path in part.paths}
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


def _write_csv(frame: pd.DataFrame, path: Path) -> None:
    frame.to_csv(path, index=False, encoding="utf-8", lineterminator="\n")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
