"""The C extensions of narrowmax; everything else that a build needs to know is in pyproject.toml.

They are optional: where they cannot be compiled, narrowmax is installed without them, simulates and
counts with NumPy.  Words in NARROWMAX_CFLAGS are added after the flags below, for compiler and linker.
"""

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

NATIVE = {
    "narrowmax.engines.compiled._native": Path("src/narrowmax/engines/compiled/native"),
    "narrowmax.rows._native": Path("src/narrowmax/rows/native"),
}
"""The extensions, and the folders of their sources."""

# No flag names a processor: what fits the one at hand is chosen when the module is loaded.  No flag
# changes what floating point means, and nothing is contracted: bits must not depend on a compiler.
FLAGS = "-std=gnu11 -O3 -g0 -fno-math-errno -fno-trapping-math -ffp-contract=off -fvisibility=hidden".split()


def flags(command: str | None) -> list[str]:
    """For the compiler `command`; Zig's would otherwise build for the processor it runs on."""
    names = {Path(word).name for word in shlex.split(command or "")}
    return [*FLAGS, "-mcpu=baseline"] if names & {"ziglang", "python-zig", "zig"} else FLAGS


def compiler() -> str | None:
    """The C compiler as words of a shell: $CC, else Python's own, else the usual names, else the `ziglang` package."""
    if named := os.environ.get("CC", "").strip():
        return named
    own = sysconfig.get_config_var("CC") or ""
    if own and shutil.which(shlex.split(own)[0]):
        return own
    return next(filter(shutil.which, ("cc", "gcc", "clang")), None) or ziglang()


def ziglang() -> str | None:
    """Zig's C compiler, also where the build runs apart (-I) from the environment that has the package."""
    for apart in ((), ("-I",)):
        if not subprocess.run([sys.executable, *apart, "-c", "import ziglang"], capture_output=True).returncode:
            return shlex.join([sys.executable, *apart, "-m", "ziglang", "cc"])
    return None


class BuildSideBySide(build_ext):
    """Compiles the files of an extension at the same time, one for each core."""

    def build_extensions(self):
        compile_in_turn = self.compiler.compile

        def compile_all(sources, **options):
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                objects = pool.map(lambda source: compile_in_turn([source], **options), sources)
                return [name for names in objects for name in names]

        self.compiler.compile = compile_all
        super().build_extensions()


def extension(name: str, command: str | None) -> Extension:
    added = shlex.split(os.environ.get("NARROWMAX_CFLAGS", ""))
    return Extension(
        name,
        sorted(path.as_posix() for path in NATIVE[name].glob("*.c")),
        depends=[*sorted(path.as_posix() for path in NATIVE[name].glob("*.h")), "setup.py"],
        extra_compile_args=[*flags(command), *added],
        extra_link_args=[*flags(command), *added],
        optional=True,
    )


if __name__ == "__main__":
    if os.name == "posix" and (found := compiler()):
        os.environ["CC"] = found
    extensions = [extension(name, os.environ.get("CC")) for name in NATIVE]
    setup(ext_modules=extensions, cmdclass={"build_ext": BuildSideBySide})
