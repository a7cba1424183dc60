"""Vectors of 16 float32 lanes: the only place that knows how rows are read, combined and written.

Each operation is a plain NumPy function. In compiled code the LLVM instructions below it take its place: the
loop vectorizer would not find them by itself, because two rows of one matrix may alias. LLVM splits 16 lanes
into what the processor has (AVX-512, AVX2, NEON). Uncompiled, the NumPy functions run as they stand and serve as
the oracle.

Names ending in ``_each`` work on tuples: of row numbers, or of vectors. A tuple of a given length stays in
registers, and its operations are unrolled. Matrices are float32, C-contiguous, their rows padded with zeros to a
multiple of ``LANES``.
"""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import lower_builtin, models, register_model, type_callable

from w2vfast._jit import FASTMATH

LANES = 16
_FASTMATH = tuple(sorted(FASTMATH))
_FLOAT, _INT = ir.FloatType(), ir.IntType(32)
_VECTOR, _INTS = ir.VectorType(_FLOAT, LANES), ir.VectorType(_INT, LANES)


def padded(dim: int) -> int:
    """Return the length of a matrix's rows in memory: a multiple of LANES."""
    return -(-dim // LANES) * LANES


class Lanes(types.Type):
    """The Numba type of one vector of lanes; it exists in compiled code only."""

    def __init__(self) -> None:
        super().__init__(name=f"float32x{LANES}")


lanes_type = Lanes()


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, numba_type: Any) -> None:
        super().__init__(manager, numba_type, _VECTOR)


def compiles_to(function: Callable[..., Any], result: Any) -> Callable[[Any], Any]:
    """Make compiled code run the decorated code generator wherever it calls ``function``.

    ``result`` is the Numba type of the result, or a function of the arguments' types. The generator takes a
    ``_Site`` and the arguments' LLVM values.
    """

    def type_call(*args):
        return result if isinstance(result, types.Type) else result(*args)

    type_call.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    type_callable(function)(lambda context: type_call)

    def register(generate):
        @lower_builtin(function, types.VarArg(types.Any))
        def lower(context, builder, signature, args):
            value = generate(_Site(context, builder, signature), *args)
            return context.get_dummy_value() if value is None else value

        return generate

    return register


class _Site:
    """A place in compiled code where an operation is being generated."""

    def __init__(self, context: Any, builder: Any, signature: Any) -> None:
        self.context, self.builder, self.signature = context, builder, signature

    def address(self, matrix: Any, row: Any, lane: Any) -> Any:
        """Return the address of matrix[row, lane], the matrix being the first argument, in 64-bit arithmetic."""
        array = self.context.make_array(self.signature.args[0])(self.context, self.builder, matrix)
        width = self.builder.extract_value(array.shape, 1)
        return self.builder.gep(array.data, [self.builder.add(self.builder.mul(row, width), lane)])

    def vector_address(self, matrix: Any, row: Any, lane: Any) -> Any:
        """Return the address of matrix[row, lane] as that of a vector."""
        return self.builder.bitcast(self.address(matrix, row, lane), _VECTOR.as_pointer())

    def int64(self, value: Any, position: int) -> Any:
        """Return the argument at ``position`` as a 64-bit integer."""
        return self.context.cast(self.builder, value, self.signature.args[position], types.int64)

    def int64_each(self, values: Any, position: int) -> list[Any]:
        """Return the tuple of integers at ``position`` as 64-bit integers."""
        kind = self.signature.args[position]
        return [self.context.cast(self.builder, item, kind.dtype, types.int64) for item in self.items(values)]

    def items(self, values: Any) -> list[Any]:
        """Return the items of a tuple."""
        return [self.builder.extract_value(values, i) for i in range(values.type.count)]

    def pack(self, vectors: list[Any]) -> Any:
        """Return a tuple of vectors."""
        return self.context.make_tuple(self.builder, types.UniTuple(lanes_type, len(vectors)), vectors)

    def splat(self, scalar: Any) -> Any:
        """Return a vector with the scalar in every lane."""
        empty = ir.Constant(_VECTOR, ir.Undefined)
        first = self.builder.insert_element(empty, scalar, _INT(0))
        return self.builder.shuffle_vector(first, empty, ir.Constant(_INTS, None))

    def multiply_add(self, a: Any, b: Any, c: Any) -> Any:
        """Return a * b + c; where the processor can, in one instruction."""
        kind = ir.FunctionType(_VECTOR, [_VECTOR] * 3)
        return self.builder.call(self.llvm(f"llvm.fmuladd.v{LANES}f32", kind), [a, b, c])

    def llvm(self, name: str, kind: Any) -> Any:
        """Return LLVM's own function ``name``, declared once a module."""
        return self.builder.module.globals.get(name) or ir.Function(self.builder.module, kind, name)


def load(matrix, row, lane):
    """Read the lanes ``lane .. lane + 15`` of a row."""
    return matrix[row, lane : lane + LANES].copy()


@compiles_to(load, lanes_type)
def _(site, matrix, row, lane):
    address = site.vector_address(matrix, site.int64(row, 1), site.int64(lane, 2))
    return site.builder.load(address, align=4)


def load_each(matrix, rows, lane):
    """Read the same lanes of several rows."""
    return tuple(matrix[row, lane : lane + LANES].copy() for row in rows)


@compiles_to(load_each, lambda matrix, rows, lane: types.UniTuple(lanes_type, len(rows)))
def _(site, matrix, rows, lane):
    lane = site.int64(lane, 2)
    addresses = [site.vector_address(matrix, row, lane) for row in site.int64_each(rows, 1)]
    return site.pack([site.builder.load(address, align=4) for address in addresses])


def store(matrix, row, lane, vector):
    """Write the lanes ``lane .. lane + 15`` of a row."""
    matrix[row, lane : lane + LANES] = vector


@compiles_to(store, types.void)
def _(site, matrix, row, lane, vector):
    address = site.vector_address(matrix, site.int64(row, 1), site.int64(lane, 2))
    site.builder.store(vector, address, align=4)


def store_each(matrix, rows, lane, vectors):
    """Write the same lanes of several rows, in order; of equal rows the last one stays."""
    for row, vector in zip(rows, vectors, strict=True):
        matrix[row, lane : lane + LANES] = vector


@compiles_to(store_each, types.void)
def _(site, matrix, rows, lane, vectors):
    lane = site.int64(lane, 2)
    for row, vector in zip(site.int64_each(rows, 1), site.items(vectors), strict=True):
        site.builder.store(vector, site.vector_address(matrix, row, lane), align=4)


def prefetch_each(matrix, rows, lane):
    """Ask for the cache line at the same lane of several rows, to write to it later."""


@compiles_to(prefetch_each, types.void)
def _(site, matrix, rows, lane):
    lane = site.int64(lane, 2)
    for row in site.int64_each(rows, 1):
        pointer = site.builder.bitcast(site.address(matrix, row, lane), ir.IntType(8).as_pointer())
        name = "llvm.prefetch.p0" if pointer.type.is_opaque else "llvm.prefetch.p0i8"
        function = site.llvm(name, ir.FunctionType(ir.VoidType(), [pointer.type, _INT, _INT, _INT]))
        site.builder.call(function, [pointer, _INT(1), _INT(3), _INT(1)])  # for writing, into all levels, data


def splat(value):
    """Return a vector with ``value`` (float32) in every lane."""
    return np.full(LANES, value, np.float32)


@compiles_to(splat, lanes_type)
def _(site, value):
    return site.splat(value)


def splat_each(matrix, row, column, like):
    """Return a tuple of vectors as long as ``like``, with matrix[row, column + i] in every lane of vector i."""
    return tuple(np.full(LANES, matrix[row, column + i], np.float32) for i in range(len(like)))


@compiles_to(splat_each, lambda matrix, row, column, like: types.UniTuple(lanes_type, len(like)))
def _(site, matrix, row, column, like):
    first = site.address(matrix, site.int64(row, 1), site.int64(column, 2))
    addresses = [site.builder.gep(first, [_INT(i)]) for i in range(len(site.signature.args[3]))]
    return site.pack([site.splat(site.builder.load(address)) for address in addresses])


def add(a, b):
    """Return a + b."""
    return a + b


@compiles_to(add, lanes_type)
def _(site, a, b):
    return site.builder.fadd(a, b, flags=_FASTMATH)


def subtract(a, b):
    """Return a - b."""
    return a - b


@compiles_to(subtract, lanes_type)
def _(site, a, b):
    return site.builder.fsub(a, b, flags=_FASTMATH)


def multiply(a, b):
    """Return a * b."""
    return a * b


@compiles_to(multiply, lanes_type)
def _(site, a, b):
    return site.builder.fmul(a, b, flags=_FASTMATH)


def multiply_add(a, b, c):
    """Return a * b + c, rounded once or twice, as the processor does it."""
    return a * b + c


@compiles_to(multiply_add, lanes_type)
def _(site, a, b, c):
    return site.multiply_add(a, b, c)


def multiply_add_each(scales, vector, vectors):
    """Return each of ``vectors`` plus its scale times ``vector``."""
    return tuple(multiply_add(scale, vector, v) for scale, v in zip(scales, vectors, strict=True))


@compiles_to(multiply_add_each, lambda scales, vector, vectors: vectors)
def _(site, scales, vector, vectors):
    pairs = zip(site.items(scales), site.items(vectors), strict=True)
    return site.pack([site.multiply_add(scale, vector, v) for scale, v in pairs])


def combine_each(scales, vectors, start):
    """Return ``start`` plus the sum of each scale times its vector."""
    for scale, v in zip(scales, vectors, strict=True):
        start = multiply_add(scale, v, start)
    return start


@compiles_to(combine_each, lanes_type)
def _(site, scales, vectors, start):
    for scale, v in zip(site.items(scales), site.items(vectors), strict=True):
        start = site.multiply_add(scale, v, start)
    return start


def zero_tile(a, b):
    """Return a tile of zeros: a tuple of len(a) * len(b) vectors."""
    return (np.zeros(LANES, np.float32),) * (len(a) * len(b))


@compiles_to(zero_tile, lambda a, b: types.UniTuple(lanes_type, len(a) * len(b)))
def _(site, a, b):
    count = len(site.signature.args[0]) * len(site.signature.args[1])
    return site.pack([ir.Constant(_VECTOR, None)] * count)


def multiply_add_tile(a, b, tile):
    """Return the tile with a_i * b_j added to its vector i * len(b) + j, for all i and j."""
    products = [(x, y) for x in a for y in b]
    return tuple(multiply_add(x, y, sum_) for (x, y), sum_ in zip(products, tile, strict=True))


@compiles_to(multiply_add_tile, lambda a, b, tile: tile)
def _(site, a, b, tile):
    products = [(x, y) for x in site.items(a) for y in site.items(b)]
    return site.pack([site.multiply_add(x, y, s) for (x, y), s in zip(products, site.items(tile), strict=True)])


def sum_each(tile):
    """Return one vector: in lane i the sum of the lanes of the tile's vector i; zeros beyond the tile."""
    result = np.zeros(LANES, np.float32)
    result[: len(tile)] = [vector.sum(dtype=np.float32) for vector in tile]
    return result


#: The lanes of a pair of vectors that hold the first halves of their segments, for segments of 16, 8, 4 and 2
#: lanes; the second halves follow at half a segment's distance. Whole quarters move first, then within quarters.
_FIRST_HALVES = (
    (8, [*range(8), *range(16, 24)]),
    (4, [*range(4), *range(8, 12), *range(16, 20), *range(24, 28)]),
    (2, [quarter + i for quarter in range(0, 16, 4) for i in (0, 1, 16, 17)]),
    (1, [quarter + i for quarter in range(0, 16, 4) for i in (0, 2, 16, 18)]),
)


@compiles_to(sum_each, lanes_type)
def _(site, tile):
    """Merge pairs of vectors, adding up the halves of their segments: 16 vectors become 8, 4, 2 and 1."""
    vectors, zero = site.items(tile), ir.Constant(_VECTOR, None)
    for distance, first in _FIRST_HALVES:
        vectors += [zero] * (len(vectors) % 2)
        first_halves, second_halves = (ir.Constant(_INTS, [i + d for i in first]) for d in (0, distance))
        vectors = [
            site.builder.fadd(
                site.builder.shuffle_vector(a, b, first_halves),
                site.builder.shuffle_vector(a, b, second_halves),
                flags=_FASTMATH,
            )
            for a, b in zip(vectors[::2], vectors[1::2], strict=True)
        ]
    order = ir.Constant(_INTS, [4 * (i % 4) + i // 4 for i in range(LANES)])  # the sums lie quarter by quarter
    return site.builder.shuffle_vector(vectors[0], zero, order)
