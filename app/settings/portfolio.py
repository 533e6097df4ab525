"""The settings of portfolio screenshots. Environment: `PORTFOLIO__FIELD`."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from app.settings.groups import Count, Group, Seconds


class PortfolioSettings(Group):
    browser: Path | None = Field(
        default=None,
        description="Path of a Chromium, such as `/usr/bin/chromium`: the portfolio that a résumé "
        "links is then shown beside the candidate. Not set: no page is opened.",
    )
    sandbox: bool = Field(
        default=True,
        description="Keep Chromium's own sandbox around the pages. It does not work for root and in "
        "containers without user namespaces; false gives it up.",
    )
    allow_private: bool = Field(
        default=False,
        description="Open links to private addresses as well, for portfolios within an intranet.",
    )
    load_timeout: Seconds = Field(
        default=10, description="Seconds after which a page that still loads is taken as it is."
    )
    timeout: Seconds = Field(
        default=30, description="Seconds for one picture; then the browser is killed."
    )
    max_page_mib: Annotated[float, Field(gt=0, le=1_024)] = Field(
        default=20, description="Most MiB that a page and all that it loads may have."
    )
    memory_mib: Count = Field(
        default=1_024, description="Memory in MiB that the browser may use; then it is killed."
    )
