"""What a rollout is declared with, and how far one goes."""

import re
from dataclasses import dataclass, field
from typing import Final, Self

from app.errors import ErrorCode, PermanentError
from app.messages import Message

EVERYONE_BP: Final = 10_000
"""A share of 100 %."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_SHARE = re.compile(r"(\d{1,3})(?:\.(\d{1,2}))?\s?%", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How far a rollout goes: keys in the share take the new path.

    `shadow` compares the two paths for the keys outside the share. `share_bp` is in hundredths of
    a percent.
    """

    shadow: bool = False
    share_bp: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """`off`, `shadow` or a share. Raises VALIDATION_ERROR with a sentence for anything else."""
        match text.strip().lower():
            case "off":
                return cls()
            case "shadow":
                return cls(shadow=True)
            case share:
                return cls(share_bp=_share_bp(share, Message.ROLLOUT_EXTENT_WRONG))

    @property
    def share(self) -> str:
        """The share as it is written: `12.5%`."""
        return f"{self.share_bp / 100:g}%"

    def __str__(self) -> str:
        if not self.share_bp:
            return "shadow" if self.shadow else "off"
        return f"{self.share} + shadow" if self.shadow else self.share


OFF: Final = Extent()


def parse_share_bp(text: str) -> int:
    """`12.5%` → 1,250. Raises VALIDATION_ERROR unless it is 0 to 100 % in steps of 0.01 %."""
    return _share_bp(text, Message.ROLLOUT_SHARE_WRONG)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When a rollout switches itself off, and what its shadows may cost.

    A rate is judged over the latest `window` samples, once there are `min_samples` of them, and
    must be above its limit. A shadow may take `shadow_timeout_s`; at most `shadows_at_once` run
    in one process, further ones are dropped.
    """

    max_mismatch_rate: float = 0.02
    max_error_rate: float = 0.02
    min_samples: int = 100
    window: int = 1_000
    shadow_timeout_s: float = 60
    shadows_at_once: int = 4

    def faults(self) -> list[str]:
        """One sentence for each number that makes no sense."""
        checks = {
            "max_mismatch_rate must be from 0 to 1": 0 <= self.max_mismatch_rate <= 1,
            "max_error_rate must be from 0 to 1": 0 <= self.max_error_rate <= 1,
            "min_samples must be at least 1": self.min_samples >= 1,
            "window must be at least min_samples": self.window >= self.min_samples,
            "shadow_timeout_s must be above 0": 0 < self.shadow_timeout_s < float("inf"),
            "shadows_at_once must be at least 1": self.shadows_at_once >= 1,
        }
        return [sentence for sentence, right in checks.items() if not right]


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutSpec:
    """One line of the table of rollouts.

    `default` holds until somebody switches. `input_codes` are errors that say something about the
    input or the run, not about the new path: where it alone ran, the guard does not count them.
    Raises ValueError with a sentence per wrong value.
    """

    name: str
    description: str
    default: Extent = OFF
    limits: Limits = field(default_factory=Limits)
    input_codes: frozenset[ErrorCode] = frozenset({ErrorCode.CANCELLED, ErrorCode.LEASE_LOST})

    def __post_init__(self) -> None:
        faults = self.limits.faults()
        if not _NAME.fullmatch(self.name):
            faults.append("its name must be lower-case letters, digits and _, 63 at most")
        if not 0 <= self.default.share_bp <= EVERYONE_BP:
            faults.append("the default share must be from 0 to 100 %")
        if faults:
            raise ValueError("\n".join(f"Rollout {self.name!r}: {fault}." for fault in faults))


def _share_bp(text: str, sentence: Message) -> int:
    found = _SHARE.fullmatch(text.strip())
    share_bp = int(found[1]) * 100 + int((found[2] or "").ljust(2, "0")) if found else -1
    if not 0 <= share_bp <= EVERYONE_BP:
        raise PermanentError(ErrorCode.VALIDATION_ERROR, sentence)
    return share_bp
