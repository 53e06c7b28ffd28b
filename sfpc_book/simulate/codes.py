"""Every code that the simulator writes, with its weight. Each must be in a code list of the contracts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sfpc_book.contracts.vocabulary import Vocabularies
from sfpc_book.errors import ContractError

ETHNICITY = {
    "WBRI": 0.66, "WOTH": 0.05, "WEUR": 0.02, "WROM": 0.01, "MWBC": 0.03, "MWAS": 0.02, "MOTH": 0.02,
    "APKN": 0.05, "AIND": 0.02, "ABAN": 0.02, "AOTH": 0.02, "BAFR": 0.04, "BCRB": 0.02, "OOTH": 0.02,
}  # fmt: skip
UASC_ETHNICITY = "OAFG"
UNSTATED = ("NOBT", "REFU")
GENDER = {"Male": 0.515, "Female": 0.48, "Other": 0.005}
DISABILITY = ("Not disabled", "Disabled")
ASYLUM = ("Not UASC", "UASC")

# Share of assessed children in whom each factor is found.
FACTORS = {"1B": 0.16, "2B": 0.18, "3A": 0.12, "3B": 0.34, "3C": 0.06, "4B": 0.30}
OTHER_FACTORS = {"4A": 0.10, "5A": 0.05, "8B": 0.15, "9A": 0.14, "10A": 0.08}
NO_FACTORS = "21"
SOON = ("Became looked after", "Child protection conference", "Child in need plan")
QUIET = {"No further action": 0.5, "Stepped down to early help": 0.35, "Section 47 enquiry": 0.15}

HOME = {"E4A": 0.7, "E4B": 0.3}
YOUNG_ENDS = {"E11": 0.4, "E45": 0.3, "E46": 0.1, "E3": 0.05, "E8": 0.15}
OLDER_ENDS = {"E45": 0.25, "E46": 0.1, "E3": 0.1, "E8": 0.55}
ADULT_ENDS = {"E5": 0.8, "E8": 0.2}
KIN = {"U1": 0.5, "U2": 0.1, "U3": 0.4}
YOUNG_PLACEMENTS = {"U4": 0.5, "U6": 0.3, "P1": 0.1, "A3": 0.06, "Z1": 0.04}
OLDER_PLACEMENTS = {"U4": 0.35, "U6": 0.25, "K2": 0.22, "K1": 0.01, "H5": 0.08, "P1": 0.06, "Z1": 0.03}
STARTED, MOVED, STATUS_CHANGED, EPISODE_OVER = "S", "P", "L", "X1"
VOLUNTARY, CARE_ORDER = "V2", "C2"

NEET = {"G4": 0.2, "G5": 0.65, "G6": 0.15}
ACTIVE = {"F1": 0.06, "F2": 0.42, "P2": 0.08, "F4": 0.10, "F5": 0.22, "P5": 0.12}
NOT_IN_TOUCH = "0"

USED: Mapping[str, tuple[Iterable[str], ...]] = {
    "ethnicity": (ETHNICITY, (UASC_ETHNICITY,), UNSTATED),
    "gender": (GENDER,),
    "disability": (DISABILITY,),
    "asylum_seeker": (ASYLUM,),
    "factor": (FACTORS, OTHER_FACTORS, (NO_FACTORS,)),
    "assessment_outcome": (SOON, QUIET),
    "placement": (KIN, YOUNG_PLACEMENTS, OLDER_PLACEMENTS),
    "legal_status": ((VOLUNTARY, CARE_ORDER),),
    "episode_reason": ((STARTED, MOVED, STATUS_CHANGED),),
    "ceased_reason": (HOME, YOUNG_ENDS, OLDER_ENDS, ADULT_ENDS, (EPISODE_OVER,)),
    "main_activity": (NEET, ACTIVE, (NOT_IN_TOUCH,)),
}


def check_codes(words: Vocabularies) -> None:
    """Raise ContractError, naming every code used here that its code list does not have."""
    problems = [
        f"'{code}' of '{name}'; allowed: {', '.join(words.code_sets.get(name, ()))}"
        for name, lists in USED.items()
        for codes in lists
        for code in codes
        if code not in words.code_sets.get(name, ())
    ]
    if problems:
        raise ContractError("The simulator writes codes that no code list declares", problems)
