"""Settings of the web server, for `make run` and production alike. WEB_CONCURRENCY sets the processes of each group."""

import atexit
import os
import socket

from readerstudy.serving.passing import NICE, Channel, Group
from readerstudy.serving.processes import die_with_parent

bind = f"{os.environ.get('READERSTUDY_HOST', '127.0.0.1')}:{os.environ.get('READERSTUDY_PORT', '8000')}"
workers = len(Group) * int(os.environ.get("WEB_CONCURRENCY", "2"))
worker_class = "readerstudy.serving.turns.Worker"
threads = 8  # for answers and pages; more for images
keepalive = 30  # seconds: a reader answers every few, and a browser has six connections to make anew
preload_app = True  # imports once, and shares the memory
timeout = 120
graceful_timeout = 5
worker_tmp_dir = "/dev/shm"  # noqa: S108 - heartbeat file: on a disk, a slow write looks like a hung worker
control_socket_disable = True  # else two sites of one user share, and leave behind, one socket in the home


channels: dict = {}


def on_starting(server):
    channels.update({group: Channel() for group in Group})


def pre_fork(server, worker):
    worker.join(server.WORKERS.values(), channels)


def when_ready(server):
    for listener in server.LISTENERS if hasattr(socket, "TCP_DEFER_ACCEPT") else ():
        if listener.sock.family != socket.AF_UNIX:
            # A connection comes to us with its request: no thread waits for it, and what is asked for can be seen.
            listener.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 5)


def post_fork(server, worker):
    die_with_parent(parent=server.pid)
    if worker.group == Group.IMAGES:
        os.nice(NICE)


def worker_exit(server, worker):
    if worker.booted:  # else its status says why not
        # What waits for the end, such as the log of who saw what; then at once: the interpreter takes down for seconds
        # what was imported, a copy of memory that the processes share.
        atexit._run_exitfuncs()
        os._exit(0)
