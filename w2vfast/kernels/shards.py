"""The shell around every objective: the tokens of a job cut into shards, one a thread.

A training kernel is a compiled ``train_shard(model, text, tables, settings, job, bounds, state)`` that trains on
the centers bounds[0] .. bounds[1] - 1 on one thread and returns the generator's state, the sum of the measured
losses, the number of measured predictions and that of all predictions: uint64, float64, int64, int64.

The shell calls it by its address. Compiled into the shell as usual, it would be optimized five times over, which
is a quarter of the time of a first run; and each objective would need a shell of its own.
"""

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import prange, types
from numba.core import cgutils
from numba.extending import lower_builtin, type_callable
from numpy.typing import NDArray

from w2vfast._jit import compiled, compiled_parallel
from w2vfast.kernels.arguments import Job, Model, Settings, Tables, Text

_BOUNDS, _STATE = types.UniTuple(types.int64, 2), types.uint64
_RESULT = types.Tuple((types.uint64, types.float64, types.int64, types.int64))


def train_chunk(
    train_shard: Callable[..., Any],
    model: Model,
    text: Text,
    tables: Tables,
    settings: Settings,
    job: Job,
    states: NDArray[np.uint64],
    losses: NDArray[np.float64],
    n_pairs: NDArray[np.int64],
) -> None:
    """Train on a job with one shard a thread, Hogwild: rows are read and written without locks.

    Parameters
    ----------
    train_shard
        The kernel of an objective.
    model
        Updated in place.
    text, tables, settings, job
        What to train on, and how.
    states
        (n_shards,) the generators of the shards, updated in place.
    losses, n_pairs
        (n_shards,) and (n_shards, 2): the loss, and the predictions, measured and all; updated in place.
    """
    shared = (model, text, tables, settings, job)
    _train_shards(_callable(train_shard, *shared), *shared, states, losses, n_pairs)


@compiled_parallel
def _train_shards(train_shard, model, text, tables, settings, job, states, losses, n_pairs):
    """Run the kernel. The results come in three arrays: what a parallel loop writes to a tuple of them is lost."""
    for shard in prange(states.size):
        arguments = (model, text, tables, settings, job, shard_bounds(job, shard, states.size), states[shard])
        states[shard], losses[shard], n_pairs[shard, 0], n_pairs[shard, 1] = _call(train_shard, arguments)


@compiled
def shard_bounds(job, shard, n_shards):
    """Return the first position of a shard and the one after its last; the shards partition the job."""
    length = job.stop - job.start
    return job.start + length * shard // n_shards, job.start + length * (shard + 1) // n_shards


def _callable(train_shard: Any, *shared: Any) -> Any:
    """Return the address of a kernel, compiled for the arguments; without compilation the kernel itself."""
    if not hasattr(train_shard, "overloads"):
        return train_shard
    kinds = (*(numba.typeof(argument) for argument in shared), _BOUNDS, _STATE)
    train_shard.compile(kinds)
    compilation = train_shard.overloads[kinds]
    assert compilation.signature.return_type == _RESULT, compilation.signature
    return compilation.library.get_pointer_to_function(compilation.fndesc.llvm_func_name)


def _call(train_shard, arguments):
    """Call a kernel; in compiled code, by its address."""
    return train_shard(*arguments)


@type_callable(_call)
def _(context):
    def result(train_shard, arguments):
        return _RESULT if tuple(arguments)[-2:] == (_BOUNDS, _STATE) else None

    return result


@lower_builtin(_call, types.Integer, types.BaseTuple)
def _(context, builder, signature, values):
    kinds = tuple(signature.args[1])
    pointer = ir.PointerType(context.call_conv.get_function_type(_RESULT, kinds))
    function = builder.inttoptr(values[0], pointer)
    arguments = [builder.extract_value(values[1], i) for i in range(len(kinds))]
    status, result = context.call_conv.call_function(builder, function, _RESULT, kinds, arguments)
    with cgutils.if_unlikely(builder, status.is_error):  # with checked indices only
        context.call_conv.return_status_propagate(builder, status)
    return result
