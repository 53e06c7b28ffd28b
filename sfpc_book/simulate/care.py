"""Care of one world: periods of care, placement episodes, and what young people do after leaving care."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sfpc_book.simulate.chance import event_day, lognormal, pick, poisson, stream
from sfpc_book.simulate.codes import (
    ACTIVE,
    ADULT_ENDS,
    CARE_ORDER,
    EPISODE_OVER,
    HOME,
    KIN,
    MOVED,
    NEET,
    OLDER_ENDS,
    OLDER_PLACEMENTS,
    STARTED,
    STATUS_CHANGED,
    VOLUNTARY,
    YOUNG_ENDS,
    YOUNG_PLACEMENTS,
)  # fmt: skip
from sfpc_book.simulate.dates import NAT, age, shift, ssda903_year, year_end
from sfpc_book.simulate.population import dates_of
from sfpc_book.simulate.world import World, long

SHARE_RUNNING, SHARE_EARLIER, SHARE_SECOND = 0.006, 0.010, 0.2
MOST_MOVES = 8
YEARS = np.arange(2018, 2036)
LEAVER_AGES = (16, 20)


def care_periods(world: World, earliest: np.datetime64) -> pd.DataFrame:
    """Periods of care: an earlier ended spell, care running at referral, the first after it, a second one."""
    rng = stream(world.seed, world.wedge.model_id, "care")
    index, birth = dates_of(world.children, "index_date"), dates_of(world.children, "birth")
    floor = np.maximum(birth, earliest)
    draw = rng.random((world.n, 8))
    running = _spell_before(draw[:, 0] < SHARE_RUNNING, index, floor, 30 + 670 * draw[:, 1])
    ended = shift(index, -5 - 500 * draw[:, 2])
    earlier = _spell_before(
        (draw[:, 3] < SHARE_EARLIER) & np.isnat(running), ended, floor, 20 + 380 * draw[:, 4]
    )
    start = shift(index, event_day(draw[:, 5], _risk(world)))
    start = np.where(np.isnat(running), np.maximum(start, birth), NAT)
    first = _spell(world, rng, start)
    again = (first["home"] == 1) & (draw[:, 6] < SHARE_SECOND)
    second = _spell(world, rng, np.where(again, shift(first["care_end"], 20 + 380 * draw[:, 7]), NAT))
    parts = {
        "running": _spell(world, rng, running, at_least=shift(index, np.ones(world.n))),
        "earlier": _spell(world, rng, earlier, at_most=ended),
        "first": first,
        "second": second,
    }
    return long([{**part, "spell": np.full(world.n, name)} for name, part in parts.items()], "care_start")


def _risk(world: World) -> np.ndarray:
    parts = world.level("looked_after", world.settings.looked_after)
    return world.baseline.multiplier * np.maximum(
        parts + world.baseline.calendar + world.baseline.noise, 0.003
    )


def _spell_before(chosen: np.ndarray, end: np.ndarray, floor: np.ndarray, days: np.ndarray) -> np.ndarray:
    """Start of a spell some days before a date, for those chosen who were born by then."""
    start = shift(end, -days)
    return np.where(chosen & (start >= floor), start, NAT)


def _spell(
    world: World,
    rng: np.random.Generator,
    start: np.ndarray,
    at_least: np.ndarray | None = None,
    at_most: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """End, reason, placement of a period of care that begins on `start` (none where it is missing)."""
    draw, settings = rng.random((world.n, 6)), world.settings
    adult = dates_of(world.children, "adult")
    start = np.where(start < adult, start, NAT)
    home = draw[:, 0] < world.level("return_home", settings.return_home)
    days = np.where(home, lognormal(draw[:, 1], 150, 0.8), lognormal(draw[:, 1], 700, 0.7))
    end = shift(start, 3 + days)
    end = np.maximum(end, at_least) if at_least is not None else end
    end = np.where(np.isnat(start), NAT, np.minimum(end, at_most) if at_most is not None else end)
    home &= end < adult
    end = np.minimum(end, adult)
    kin = draw[:, 3] < world.level("kinship", settings.kinship)
    return {
        "care_start": start,
        "care_end": end,
        "home": home.astype(int),
        "ceased_reason": _reason(world, start, end, home, draw[:, 2]),
        "placement_type": _placement(world, start, kin, draw[:, 4]),
        "kin": kin.astype(int),
    }


def _reason(
    world: World, start: np.ndarray, end: np.ndarray, home: np.ndarray, uniform: np.ndarray
) -> np.ndarray:
    young = age(dates_of(world.children, "birth"), start) < 5
    chosen = [pick(uniform, weights) for weights in (HOME, ADULT_ENDS, YOUNG_ENDS, OLDER_ENDS)]
    return np.select([home, end == dates_of(world.children, "adult"), young], chosen[:3], chosen[3])


def _placement(world: World, start: np.ndarray, kin: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    young = age(dates_of(world.children, "birth"), start) < 10
    chosen = [pick(uniform, weights) for weights in (KIN, YOUNG_PLACEMENTS, OLDER_PLACEMENTS)]
    return np.select([kin, young], chosen[:2], chosen[2])


def placement_episodes(world: World, care: pd.DataFrame) -> pd.DataFrame:
    """Episodes of every period of care: placement moves (reason P or B) and one change of legal status (L).

    `moved` marks the episodes that begin a new placement.
    """
    rng = stream(world.seed, world.wedge.model_id, "episodes")
    when = np.floor(3 + 362 * rng.random((world.n, MOST_MOVES)))
    number, legal = rng.random(world.n), np.where(rng.random(world.n) < 0.3, 0.0, np.nan)
    legal = legal + np.floor(20 + 180 * rng.random(world.n))
    child = care["child"].to_numpy()
    moves = poisson(number, world.level("moves", world.settings.moves))[child]
    late = np.floor(366 + 700 * rng.random(world.n))[child]
    days = np.where(np.arange(MOST_MOVES) < moves[:, None], when[child], np.nan)
    days = np.column_stack([np.zeros(len(care)), days, late, legal[child]])
    length = (care["care_end"] - care["care_start"]).dt.days.to_numpy(dtype=float)
    kind = np.array([STARTED, *[MOVED] * (MOST_MOVES + 1), STATUS_CHANGED], dtype=object)
    place, slot = np.nonzero(np.nan_to_num(days, nan=np.inf) < np.fmax(length, 1)[:, None])
    found = pd.DataFrame({"period": place, "day": days[place, slot], "episode_reason": kind[slot]})
    found = found.sort_values(["period", "day", "episode_reason"], ascending=[True, True, False])
    found = found.drop_duplicates(["period", "day"]).reset_index(drop=True)
    return _episode_rows(world, care, found, rng)


def _episode_rows(
    world: World, care: pd.DataFrame, found: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    period = care.iloc[found["period"]].reset_index(drop=True)
    start = shift(dates_of(period, "care_start"), found["day"].to_numpy())
    following = pd.Series(start).shift(-1).where(found["period"] == found["period"].shift(-1))
    end = following.fillna(period["care_end"]).astype("datetime64[ns]")
    last = following.isna().to_numpy()
    reasons = found["episode_reason"].to_numpy(dtype=object)
    other = pick(rng.random(len(found)), OLDER_PLACEMENTS)
    moved = pd.Series(np.where(reasons == STATUS_CHANGED, None, other), dtype="object")
    moved[reasons == STARTED] = period["placement_type"][reasons == STARTED]
    status = pd.Series(reasons == STATUS_CHANGED).groupby(found["period"]).cummax()
    legal = np.where(status, CARE_ORDER, VOLUNTARY)
    return pd.DataFrame(
        {
            "child": period["child"],
            "care_start": period["care_start"],
            "episode_start": pd.Series(start).astype("datetime64[ns]"),
            "episode_end": end,
            "care_end": period["care_end"],
            "placement_type": moved.ffill().astype("str"),
            "legal_status": legal,
            "episode_reason": reasons,
            "ceased_reason": np.where(last, period["ceased_reason"], EPISODE_OVER),
            "moved": (reasons != STATUS_CHANGED).astype(int),
            "spell": period["spell"],
        }
    )


def activity(world: World, care: pd.DataFrame) -> pd.DataFrame:
    """What each young person who left care does in each SSDA903 year from that of leaving, at ages 16 to 20.

    `left` is the end of the last period of care. Columns child, left, year, main_activity, neet.
    """
    rng = stream(world.seed, world.wedge.model_id, "activity")
    status, which = rng.random((world.n, len(YEARS))), rng.random((world.n, len(YEARS)))
    left = care.groupby("child")["care_end"].max()
    child, gone = left.index.to_numpy(), left.to_numpy(dtype="datetime64[D]")
    birth = dates_of(world.children, "birth")[child]
    ages = np.column_stack([age(birth, np.full(len(child), last)) for last in year_end(YEARS)])
    due = (ssda903_year(gone)[:, None] <= YEARS) & (ages >= LEAVER_AGES[0]) & (ages <= LEAVER_AGES[1])
    row, column = np.nonzero(due)
    who = child[row]
    neet = status[who, column] < world.level("neet", world.settings.neet)[who]
    codes = [pick(which[who, column], weights) for weights in (NEET, ACTIVE)]
    return pd.DataFrame(
        {
            "child": who,
            "left": gone[row].astype("datetime64[ns]"),
            "year": YEARS[column],
            "main_activity": np.where(neet, codes[0], codes[1]),
            "neet": neet.astype(int),
        }
    )
