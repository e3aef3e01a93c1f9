"""The kernel's loop in C at -O3, compiled when it is asked for, so that the compiled kernel has something to be held to."""

import ctypes
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SOURCE = Path(__file__).with_name("kernel.c")
NO_COMPILER = "no C compiler"
_COMPILERS = ("cc", "gcc", "clang")
# The types of `pass_the_days`, one letter a column: int32, int8 (b), int64 (q), and uint32 and uint8 (u, c), which C reads as int32
# and int8: whatever is in them is far below the bit that would be a sign.
_INPUTS, _TABLE, _LISTS, _COUNTS = "iiuciiibiiiiiiiui", "uiiib", "iiiiiiii", "qqiiiqqq"
_TYPES = {"i": np.int32, "b": np.int8, "q": np.int64, "u": np.uint32, "c": np.uint8}
_ARRIVALS = 15  # the place of the arrivals among the inputs


def compiler() -> str | None:
    """The C compiler of this machine, `$CC` first; None where there is none."""
    return next(filter(None, map(shutil.which, (os.environ.get("CC", ""), *_COMPILERS))), None)


def loop_in_c() -> Callable[..., int]:
    """The loop in C, called as `kernel.run` calls its own.

    Raises FileNotFoundError without a compiler; a column of another type than the C code takes is a ctypes.ArgumentError.
    """
    cc = compiler()
    if cc is None:
        raise FileNotFoundError(
            f"{NO_COMPILER}: none of {', '.join(_COMPILERS)} is on the path. Install one, or set CC."
        )
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        library = Path(folder) / "kernel.so"
        subprocess.run([cc, "-O3", "-shared", "-fPIC", "-o", str(library), str(SOURCE)], check=True)
        function = ctypes.CDLL(str(library)).pass_the_days
    columns: list[Any] = [
        np.ctypeslib.ndpointer(_TYPES[letter], ndim=1, flags="C") for letter in _INPUTS + _TABLE + _LISTS + _COUNTS
    ]
    function.argtypes = [*[ctypes.c_int64] * 6, *columns]
    function.restype = ctypes.c_int64

    def loop(
        horizon: int, n_steps: int, n_ranks: int, watched: int, inputs: Any, table: Any, lists: Any, counts: Any
    ) -> int:
        n_arrivals, room = len(inputs[_ARRIVALS]), len(table[0])
        each = (*inputs, *table, *lists, *counts)
        return int(function(horizon, n_steps, n_ranks, watched, n_arrivals, room, *each))

    return loop
