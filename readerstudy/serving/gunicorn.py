"""Settings of the web server, for `make run` and production alike. WEB_CONCURRENCY sets the processes."""

import os

from readerstudy.serving.processes import die_with_parent

bind = f"{os.environ.get('READERSTUDY_HOST', '127.0.0.1')}:{os.environ.get('READERSTUDY_PORT', '8000')}"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
worker_class = "gthread"
threads = 8
preload_app = True  # imports once, and shares the memory
timeout = 120
graceful_timeout = 5
worker_tmp_dir = "/dev/shm"  # noqa: S108 - heartbeat file: on a disk, a slow write looks like a hung worker
control_socket_disable = True  # else two sites of one user share, and leave behind, one socket in the home


def post_fork(server, worker):
    die_with_parent(parent=server.pid)
