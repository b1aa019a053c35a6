"""The providers of the rate, one module each; `build` makes the configured ones in their order."""

from efishery_rate_cron.providers.base import Provider
from efishery_rate_cron.providers.custom import Custom
from efishery_rate_cron.providers.frankfurter import Frankfurter
from efishery_rate_cron.providers.open_er_api import OpenERAPI
from efishery_rate_cron.settings import ProviderName, RateCronSettings


def build(settings: RateCronSettings) -> list[Provider]:
    """Make the providers that the settings name, first choice first."""
    return [_build(name, settings) for name in settings.providers]


def _build(name: ProviderName, settings: RateCronSettings) -> Provider:
    match name:
        case ProviderName.FRANKFURTER:
            return Frankfurter(str(settings.frankfurter_url))
        case ProviderName.OPEN_ER_API:
            return OpenERAPI(str(settings.open_er_api_url))
        case ProviderName.CUSTOM:
            return Custom(str(settings.custom_url), settings.custom_rate_path, settings.custom_date_path)
