"""What operators decide for the whole fleet: truth is here, Redis only announces that it changed."""

from datetime import datetime

from sqlalchemy import func
from sqlalchemy.orm import Mapped, mapped_column

from app.store.database import Base


class BreakerControlRow(Base):
    """How an operator wants one breaker to behave in every process.

    `resets` grows by one each time the breaker is to forget what it saw.
    """

    __tablename__ = "breaker_controls"

    name: Mapped[str] = mapped_column(primary_key=True)
    mode: Mapped[str]
    resets: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str]
    changed_by: Mapped[str]
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())


class RolloutRow(Base):
    """How far one new code path is rolled out.

    `share_bp` is in hundredths of a percent (10,000 = everyone). `changed_by` is an operator, or the
    guard that switched it off.
    """

    __tablename__ = "rollouts"

    name: Mapped[str] = mapped_column(primary_key=True)
    shadow: Mapped[bool] = mapped_column(default=False)
    share_bp: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str]
    changed_by: Mapped[str]
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())
