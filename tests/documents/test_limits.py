from app.documents.limits import Limits


def test_limits_survive_the_command_line(limits: Limits) -> None:
    assert Limits.from_json(limits.to_json()) == limits
