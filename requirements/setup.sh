#!/bin/sh
# Finds Python 3.11, names what this machine lacks, makes .venv and hands over to install.py.
# Nothing is done twice: with a sound .venv this costs a tenth of a second.
set -eu
cd "$(dirname "$0")/.."

is_3_11() { "$@" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' >/dev/null 2>&1; }

find_python() {
    for candidate in ${PYTHON:+"$PYTHON"} python3.11 python3 python "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.11.*/bin/python3.11; do
        if is_3_11 "$candidate"; then
            # The interpreter itself: a shim or link may point elsewhere tomorrow.
            "$candidate" -c 'import os, sys; print(os.path.realpath(sys.executable))'
            return
        fi
    done
    # Where another Python only is there, uv brings 3.11.
    if command -v uv >/dev/null 2>&1 && uv python install --quiet 3.11 >&2; then
        uv python find 3.11
    fi
}

if ! is_3_11 .venv/bin/python || ! .venv/bin/python -c 'import pip' >/dev/null 2>&1; then
    lacking=0
    python=$(find_python)
    if [ -z "$python" ]; then
        echo "Python 3.11 is missing: install it with 'apt-get install python3.11 python3.11-venv python3.11-dev'." >&2
        exit 1
    fi
    if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        echo "Python's venv module is missing: install it with 'apt-get install python3.11-venv'." >&2
        lacking=1
    fi
    headers=$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')
    if [ ! -f "$headers/Python.h" ]; then
        echo "Python's headers are missing: install them with 'apt-get install python3.11-dev'." >&2
        lacking=1
    fi
    compiler=${CC:-$("$python" -c 'import sysconfig; print((sysconfig.get_config_var("CC") or "cc").split()[0])')}
    if ! echo '#include <stdio.h>' | $compiler -x c -c - -o /dev/null >/dev/null 2>&1; then
        echo "A C compiler is missing: install one with 'apt-get install gcc libc6-dev'." >&2
        lacking=1
    fi
    [ "$lacking" = 0 ] || exit 1
    echo "Making .venv with $python."
    "$python" -m venv --clear .venv
fi
exec .venv/bin/python requirements/install.py "$@"
