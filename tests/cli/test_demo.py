"""What the demo sets up and tells."""

import pytest

from app.cli.demo import _analyst
from app.settings import Settings
from app.settings.groups import RetrySettings


@pytest.mark.parametrize(("asked_s", "used_s"), [(120, 10), (3, 3)])
async def test_a_scripted_model_is_given_up_within_the_time_that_chaos_makes_it_hang(
    asked_s: float, used_s: float, settings: Settings
) -> None:
    given = settings.model_copy(update={"retry": RetrySettings(llm_timeout=asked_s)})
    async with _analyst(given, scripted=True) as chosen:
        assert chosen.retry.llm_timeout == used_s
    async with _analyst(given, scripted=False) as chosen:
        assert chosen.retry.llm_timeout == asked_s
