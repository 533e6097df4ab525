"""The settings of webhooks. Environment: `WEBHOOK__FIELD`; tries and time limits: `RETRY__WEBHOOK_…`."""

from typing import Annotated

from pydantic import Field

from app.settings.groups import Count, Group

KeptDays = Annotated[int, Field(ge=1, le=3_650)]


class WebhookSettings(Group):
    allow_private: bool = Field(
        default=False,
        description="Call private and loopback addresses too. For development: a user who may add "
        "webhooks could reach your network.",
    )
    max_endpoints: Count = Field(default=20, description="Most endpoints of one tenant.")
    deliveries_days: KeptDays = Field(
        default=30, description="Days that deliveries are kept to be looked at and sent again."
    )
    rotation_hours: float = Field(
        default=24,
        ge=0,
        le=24 * 30,
        description="Hours after the rotation of a secret in which the old one signs beside it.",
    )
