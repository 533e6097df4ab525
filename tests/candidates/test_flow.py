from typing import cast

import pytest

from app.candidates import flow
from app.pipeline.stage import Stage
from app.resilience.policies import POLICIES, PolicyName

STAGES = cast(
    "list[Stage[..., object]]", [found for found in vars(flow).values() if isinstance(found, Stage)]
)


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: f"{stage.name}-{stage.policy}")
def test_every_fallback_that_a_policy_may_name_is_a_real_one_of_its_stage(
    stage: Stage[..., object],
) -> None:
    assert set(stage.fallbacks) == POLICIES[stage.policy].fallbacks


def test_a_policy_with_a_fallback_has_a_stage_that_brings_it() -> None:
    used = {stage.policy for stage in STAGES}
    assert {name for name in PolicyName if POLICIES[name].fallbacks} <= used
