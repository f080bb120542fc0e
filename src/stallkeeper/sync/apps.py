from django.apps import AppConfig


class SyncConfig(AppConfig):
    name = "stallkeeper.sync"
    label = "sync"
