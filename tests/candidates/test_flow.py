from typing import cast

import pytest

from app.candidates import (
    analyzing,
    embedding,
    flow,
    originals,
    portfolio,
    protection,
    repair,
    thumbnails,
)
from app.pipeline.stage import Stage
from app.resilience.policies import POLICIES, PolicyName

MODULES = (analyzing, embedding, flow, originals, portfolio, protection, repair, thumbnails)
FOUND = cast(
    "list[Stage[..., object]]",
    [each for module in MODULES for each in vars(module).values() if isinstance(each, Stage)],
)
STAGES = [each for place, each in enumerate(FOUND) if each not in FOUND[:place]]


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: f"{stage.name}-{stage.policy}")
def test_every_fallback_that_a_policy_may_name_is_a_real_one_of_its_stage(
    stage: Stage[..., object],
) -> None:
    assert set(stage.fallbacks) == POLICIES[stage.policy].fallbacks


def test_a_policy_with_a_fallback_has_a_stage_that_brings_it() -> None:
    used = {stage.policy for stage in STAGES}
    assert {name for name in PolicyName if POLICIES[name].fallbacks} <= used
