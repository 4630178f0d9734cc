import os
from importlib import import_module

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "readerstudy.settings")
application = get_wsgi_application()
import_module("readerstudy.urls")  # with what pages compute with: the server's processes share it, and no page waits
