from django.apps import AppConfig


class DunningConfig(AppConfig):
    name = "dunning"
    verbose_name = "Dunning"

    def ready(self) -> None:
        from dunning import provider_events  # noqa: F401, PLC0415 - it listens once it is there
