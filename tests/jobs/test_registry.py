from app.bootstrap import Runtime, open_resume_tools
from app.jobs import registry


async def test_every_schedule_has_a_name_of_its_own_and_starts_a_flow_that_there_is(
    runtime: Runtime,
) -> None:
    async with open_resume_tools(runtime) as tools:
        flows = registry.flows(runtime, tools)
    names = [schedule.name for schedule in registry.SCHEDULES]
    assert len(set(names)) == len(names) > 0
    assert {schedule.flow for schedule in registry.SCHEDULES} <= set(flows)
