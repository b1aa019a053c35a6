"""The providers of the rate, in a module each; `build` makes the configured ones in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from efishery_rate_cron.providers.base import Provider
from efishery_rate_cron.providers.custom import Custom
from efishery_rate_cron.providers.frankfurter import Frankfurter
from efishery_rate_cron.providers.open_er_api import OpenERAPI

if TYPE_CHECKING:  # the settings check provider names against this package
    from efishery_rate_cron.settings import RateCronSettings

NAMES = ("frankfurter", "open-er-api", "custom")


def build(settings: RateCronSettings) -> list[Provider]:
    """Make the providers that the settings name, first choice first."""
    return [_build(name, settings) for name in settings.providers]


def _build(name: str, settings: RateCronSettings) -> Provider:
    if name == "frankfurter":
        return Frankfurter(str(settings.frankfurter_url))
    if name == "open-er-api":
        return OpenERAPI(str(settings.open_er_api_url))
    return Custom(str(settings.custom_url), settings.custom_rate_path, settings.custom_date_path)
