"""What a record says of machine and versions."""

from __future__ import annotations

import platform
import socket
import subprocess
import sys

from narrowmax.store import dumps, machine, versions


def test_machine_has_what_times_depend_on_and_no_name():
    described = machine()
    assert set(described) == {"system", "processor", "cores", "memory_gib"}
    assert described["cores"] >= 1
    assert socket.gethostname() not in dumps(described)


def test_versions_are_those_installed():
    import numpy

    described = versions()
    assert described["numpy"] == numpy.__version__
    assert described["python"] == platform.python_version()
    assert versions(["no-such-package"])["no-such-package"] is None


def test_versions_import_nothing():
    program = "import sys; from narrowmax.store import versions; versions(); print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "False\n"
