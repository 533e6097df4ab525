"""Chance that can be had again."""

import random


def chance_of(*parts: object) -> random.Random:
    """The same sequence for the same parts, in every process."""
    return random.Random(" ".join(map(str, parts)))  # noqa: S311 - to be repeated, not to be secret
