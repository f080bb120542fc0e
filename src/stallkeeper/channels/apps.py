from django.apps import AppConfig


class ChannelsConfig(AppConfig):
    name = "stallkeeper.channels"
    label = "channels"
