"""Vectors of 16 float32 lanes: the only place that knows how a row is read, combined and written.

Each operation is a plain NumPy function. In compiled code an overload replaces it by the LLVM vector
instruction of the same meaning, which the loop vectorizer would not find by itself: two rows of one matrix
may alias, so it gives up. LLVM splits 16 lanes into what the processor has (AVX-512, AVX2, NEON).
Uncompiled, the NumPy functions run as they stand and serve as the oracle.

Matrices are float32, C-contiguous, their rows padded with zeros to a multiple of ``LANES``.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, overload, register_model

LANES = 16
FASTMATH = ("reassoc", "contract", "nsz", "afn", "arcp")
_LLVM_LANES = ir.VectorType(ir.FloatType(), LANES)


class Lanes(types.Type):
    """The Numba type of one vector of lanes; it exists in compiled code only."""

    def __init__(self) -> None:
        super().__init__(name=f"float32x{LANES}")


lanes_type = Lanes()


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, numba_type: Any) -> None:
        super().__init__(manager, numba_type, _LLVM_LANES)


def load(matrix, row, lane):
    """Read the lanes ``lane .. lane + 15`` of a row."""
    return matrix[row, lane : lane + LANES].copy()


def store(matrix, row, lane, lanes):
    """Write the lanes ``lane .. lane + 15`` of a row."""
    matrix[row, lane : lane + LANES] = lanes


def splat(value):
    """Return a vector with ``value`` in every lane."""
    return np.full(LANES, value, np.float32)


def add(a, b):
    """Return a + b, lane by lane."""
    return a + b


def multiply_add(a, b, c):
    """Return a * b + c, lane by lane, rounded once."""
    return (a.astype(np.float64) * b + c).astype(np.float32)


def sum_lanes(lanes):
    """Return the sum of the lanes, float32."""
    return np.float32(lanes.sum(dtype=np.float32))


def _pointer(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Return the address of (row, lane) of a C-contiguous matrix, in 64-bit arithmetic."""
    matrix = context.make_array(signature.args[0])(context, builder, args[0])
    width = builder.extract_value(matrix.shape, 1)
    position = builder.add(builder.mul(args[1], width), args[2])
    address = builder.gep(matrix.data, [position])
    return builder.bitcast(address, _LLVM_LANES.as_pointer())


def _llvm_function(builder: Any, name: str, kind: Any) -> Any:
    """Return LLVM's own function ``name``, declared once a module."""
    return builder.module.globals.get(name) or ir.Function(builder.module, kind, name)


@intrinsic
def _load(typing_context, matrix, row, lane):
    def build(context, builder, signature, args):
        return builder.load(_pointer(context, builder, signature, args), align=4)

    return lanes_type(matrix, types.int64, types.int64), build


@intrinsic
def _store(typing_context, matrix, row, lane, lanes):
    def build(context, builder, signature, args):
        builder.store(args[3], _pointer(context, builder, signature, args), align=4)
        return context.get_dummy_value()

    return types.void(matrix, types.int64, types.int64, lanes_type), build


@intrinsic
def _splat(typing_context, value):
    def build(context, builder, signature, args):
        empty = ir.Constant(_LLVM_LANES, ir.Undefined)
        first = builder.insert_element(empty, args[0], ir.Constant(ir.IntType(32), 0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), None)
        return builder.shuffle_vector(first, empty, zeros)

    return lanes_type(types.float32), build


@intrinsic
def _add(typing_context, a, b):
    def build(context, builder, signature, args):
        return builder.fadd(*args, flags=FASTMATH)

    return lanes_type(lanes_type, lanes_type), build


@intrinsic
def _multiply_add(typing_context, a, b, c):
    def build(context, builder, signature, args):
        kind = ir.FunctionType(_LLVM_LANES, [_LLVM_LANES] * 3)
        return builder.call(_llvm_function(builder, f"llvm.fma.v{LANES}f32", kind), args)

    return lanes_type(lanes_type, lanes_type, lanes_type), build


@intrinsic
def _sum_lanes(typing_context, lanes):
    def build(context, builder, signature, args):
        kind = ir.FunctionType(ir.FloatType(), [ir.FloatType(), _LLVM_LANES])
        reduce = _llvm_function(builder, f"llvm.vector.reduce.fadd.v{LANES}f32", kind)
        return builder.call(reduce, [ir.Constant(ir.FloatType(), 0.0), *args], fastmath=FASTMATH)

    return types.float32(lanes_type), build


@overload(load)
def _overload_load(matrix, row, lane):
    return lambda matrix, row, lane: _load(matrix, row, lane)


@overload(store)
def _overload_store(matrix, row, lane, lanes):
    return lambda matrix, row, lane, lanes: _store(matrix, row, lane, lanes)


@overload(splat)
def _overload_splat(value):
    return lambda value: _splat(np.float32(value))


@overload(add)
def _overload_add(a, b):
    return lambda a, b: _add(a, b)


@overload(multiply_add)
def _overload_multiply_add(a, b, c):
    return lambda a, b, c: _multiply_add(a, b, c)


@overload(sum_lanes)
def _overload_sum_lanes(lanes):
    return lambda lanes: _sum_lanes(lanes)
