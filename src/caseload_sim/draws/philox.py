"""NumPy's random stream Philox, compiled, so that single numbers of the stream can be drawn without the ones between.

For the clients with ids 3 and 1000 this makes two numbers, the same to the last bit as NumPy's. NumPy itself could only
draw the whole stretch from 3 to 1000, and needs 15 microseconds for each start at another position. This module is
imported only where numba is installed (see `support/compiled.py`).

Philox4x64-10: Salmon et al. (2011), Parallel random numbers: as easy as 1, 2, 3, https://doi.org/10.1145/2063384.2063405
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from caseload_sim.support.compiled import Compiled

# Multipliers and key increments of the paper's table 2 and section 3.3.
M0, M1 = np.uint64(0xD2E7470EE14C6C93), np.uint64(0xCA5A826395121157)
W0, W1 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBB67AE8584CAA73B)
ROUNDS = 10
SEVEN = np.uint64(7)  # unsigned: with a sign, numba would check each index for counting from the end


def _product_code(_context: Any, a: Any, b: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word, wide = ir.IntType(64), ir.IntType(128)
        product = builder.mul(*(builder.zext(one, wide) for one in arguments))
        upper = builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), word)
        return context.make_tuple(builder, signature.return_type, (upper, builder.trunc(product, word)))

    return types.UniTuple(types.uint64, 2)(types.uint64, types.uint64), generate  # type: ignore[no-untyped-call]


# The product of two 64-bit words has 128 bits: here its upper and its lower 64. Processors make both in one instruction,
# which numba does not offer, so it is written in the language of LLVM below numba.
product: Any = intrinsic(_product_code)


def _block_code(counter: Any, k0: Any, k1: Any) -> Any:  # pragma: no cover: Python itself runs none of these three
    c0, c1, c2, c3 = counter, np.uint64(0), np.uint64(0), np.uint64(0)
    for _ in range(ROUNDS):
        (high0, low0), (high1, low1) = product(M0, c0), product(M1, c2)
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0 += W0
        k1 += W1
    return c0, c1, c2, c3


# Philox makes its stream four words at a time: these are the four words at one counter.
block = njit(inline="always")(_block_code)


def _uniforms_code(keys: Any, ids: Any, u: Any) -> None:  # pragma: no cover
    words = np.empty(4, dtype=np.uint64)
    draws = words.view(np.uint32)  # eight to a block, lower halves first, as on all processors that numba is for
    for k in range(len(keys)):
        k0, k1, at = keys[k, 0], keys[k, 1], np.int64(-1)
        for i in range(len(ids)):
            position = ids[i]
            if position >> 3 != at:
                at = position >> 3
                words[0], words[1], words[2], words[3] = block(np.uint64(at + 1), k0, k1)
            u[k, i] = (np.int64(draws[np.uint64(position) & SEVEN]) + 0.5) * 2.0**-32  # see Draws.uniform


def _on_lines_code(u: Any, lines: Any, tail_cells: Any, value: Any, tail: Any) -> int:  # pragma: no cover
    n_tail, first, n_inner = 0, np.uint64(tail_cells), np.uint64(len(lines) - 2 * tail_cells)
    for i in range(len(u)):
        cell = np.uint64(u[i] * len(lines))  # unsigned, as above
        value[i] = lines[cell, 0] * u[i] + lines[cell, 1]
        # Write down the row number in any case, and count it only if its cell lies in a tail. What was not counted is
        # overwritten by the next row. An `if` would take longer, since the processor cannot guess which way it goes.
        tail[n_tail] = i
        # The cells between the tails are `first` and the n_inner - 1 after it. For a cell before `first` the difference is
        # not below 0 but huge, because it has no sign: 5 - 64 is 2**64 - 59. So one comparison finds both tails.
        n_tail += int(cell - first >= n_inner)
    return n_tail


# Fills u (k, n) float64 with the uniform draws at ids (n,) int64 of the streams whose keys are (k, 2) words.
uniforms_at = Compiled(_uniforms_code)
# A quantile function is drawn as straight lines, one in each cell; `lines` holds their slopes and intercepts. Fills value
# (n,) float64 with the height of the line at each u (n,) float64, and tail (n,) int32 with the row numbers of those whose cell
# is among the first or last `tail_cells`; returns how many these are.
on_lines = Compiled(_on_lines_code)
