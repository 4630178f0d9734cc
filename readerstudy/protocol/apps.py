from django.apps import AppConfig


class ProtocolConfig(AppConfig):
    name = "readerstudy.protocol"
    label = "protocol"
