"""Eight bytes at a time: one unaligned load, and what can be told of its bytes at once.

Each operation is a plain function with compiled code in its place, as in ``vector``. Arrays must have eight bytes
behind every place that is loaded.
"""

import numpy as np
from llvmlite import ir
from numba import types

from w2vfast._jit import inlined
from w2vfast.kernels.vector import compiles_to

OCTET = 8
_HIGHS = np.uint64(0x8080808080808080)
_SPACES = np.uint64(0x2121212121212121)  # the first byte that is no ASCII white space or control character
_ALL, _BITS = np.uint64(0xFFFFFFFFFFFFFFFF), np.uint64(64)


def load_octet(data, pos):
    """Return data[pos : pos + 8] as a number, uint64, the first byte lowest."""
    return np.uint64(int.from_bytes(data[pos : pos + OCTET].tobytes(), "little"))


@compiles_to(load_octet, types.uint64)
def _(site, data, pos):
    array = site.context.make_array(site.signature.args[0])(site.context, site.builder, data)
    address = site.builder.gep(array.data, [site.int64(pos, 1)])
    octet = site.builder.bitcast(address, ir.IntType(64).as_pointer())
    return site.builder.load(octet, align=1)


def lowest_bit(bits):
    """Return the number of the lowest bit that is set in ``bits``, uint64, not 0."""
    return (int(bits) & -int(bits)).bit_length() - 1


@compiles_to(lowest_bit, types.int64)
def _(site, bits):
    return site.builder.cttz(bits, ir.Constant(ir.IntType(1), 1))


@inlined
def unusual_bytes(octet):
    """Return a number whose lowest bit lies in the first byte below 0x21 or above 0x7F, 0 if there is none."""
    return ((octet - _SPACES) & ~octet | octet) & _HIGHS


@inlined
def first_bytes(octet, n_bytes):
    """Return the first 1 to 8 bytes of an octet, and zeros."""
    return octet & _ALL >> (_BITS - np.uint64(n_bytes) * np.uint64(8))
