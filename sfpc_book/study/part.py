"""What every part of a study file has in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """Base of every part: frozen, and no key that is not declared."""

    model_config = ConfigDict(frozen=True, extra="forbid")
