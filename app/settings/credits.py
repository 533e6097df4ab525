"""The settings of credits. Environment: `CREDITS__FIELD`."""

from typing import Annotated

from pydantic import Field

from app.settings.groups import Group


class CreditsSettings(Group):
    per_file: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        default=1,
        description="Credits that a file costs a tenant whose credits are limited "
        "(`./run credits grant`). 0: nothing.",
    )
