"""Random draws: which tokens are kept, how wide a window is, which words are noise.

The generator is SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): a counter that grows by ``GAMMA``, and a
function that mixes it. A shard carries its counter along for the noise words. The bits that keep or drop a
token and size its window are the mix of its position, so they are the same whoever asks, in any order.
"""

import numpy as np

from w2vfast._jit import compiled, compiled_with_arrays, inlined

GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_SHIFT_27, _SHIFT_30, _SHIFT_31 = np.uint64(27), np.uint64(30), np.uint64(31)
_SHIFT_32, _SHIFT_40 = np.uint64(32), np.uint64(40)
_LOW_5, _LOW_31, _LOW_32 = np.uint64(31), np.uint64(0x7FFFFFFF), np.uint64(0xFFFFFFFF)
_RANGE_32 = np.uint64(1 << 32)
_ULP_24 = np.float32(2.0**-24)


@inlined
def mix(counter):
    """Return 64 random bits (uint64) for a counter (uint64)."""
    bits = np.uint64(counter)
    bits = (bits ^ (bits >> _SHIFT_30)) * _MIX_1
    bits = (bits ^ (bits >> _SHIFT_27)) * _MIX_2
    return bits ^ (bits >> _SHIFT_31)


@inlined
def position_bits(epoch_key, pos):
    """Return the 64 random bits that belong to the token at ``pos`` in the epoch of ``epoch_key``."""
    return mix(epoch_key + np.uint64(pos) * GAMMA)


@inlined
def is_kept(bits, keep_prob):
    """Tell whether a token survives subsampling, from the high 24 of its bits."""
    return np.float32(np.int64(bits >> _SHIFT_40)) * _ULP_24 < keep_prob


@inlined
def is_measured(bits):
    """Tell whether the loss is measured in the window of a token: in one of 32, from the bits 32 .. 36.

    One by position would see the same places of all sentences of 32 words.
    """
    return (bits >> _SHIFT_32) & _LOW_5 == 0


@inlined
def draw_window(bits, most):
    """Return the size of one side of a window, uniform on 1 .. ``most``, from the low 32 of a token's bits.

    It is 0 if ``most`` is. Both sides come from the same bits; if they may be equally wide, they are.
    """
    return np.int64(most > 0) + np.int64(((bits & _LOW_32) * np.uint64(most)) >> _SHIFT_32)


@inlined
def draw_harmonic_window(bits, most):
    """Return the size of one side of a window, at least d with the chance 1 / d, at most ``most``."""
    if most == 0:
        return np.int64(0)
    return min(np.int64(most), np.int64(_RANGE_32 // ((bits & _LOW_32) + np.uint64(1))))


@inlined
def draw_noise_word(bits, noise):
    """Draw a word of the noise distribution by Walker's alias method (document 003), in O(1).

    The high 32 bits choose a bucket, the low ones between its two words. ``noise`` uint64 (V,) has in its high
    half the chance of the bucket's own word, in units of 2 ** -31, and in its low half the other word.
    """
    bucket = ((bits >> _SHIFT_32) * np.uint64(noise.size)) >> _SHIFT_32
    entry = noise[np.int64(bucket)]
    is_own = (bits & _LOW_31) < (entry >> _SHIFT_32)
    return np.int64(bucket if is_own else entry & _LOW_32)


@compiled
def draw_negatives(state, target_id, settings, tables, output_ids):
    """Write the target and up to k = ``n_negatives`` noise words into ``output_ids`` int32 (k + 1,).

    A draw equal to the target is repeated at most ``n_redraws`` times, then left out. The same noise word
    may come twice; it then counts twice.

    Returns the generator's state and the number of words written, at least 1.
    """
    output_ids[0] = target_id
    n_outputs = 1
    for _ in range(settings.n_negatives):
        for _ in range(settings.n_redraws + 1):
            state += GAMMA
            negative_id = draw_noise_word(mix(state), tables.noise)
            if negative_id != target_id:
                output_ids[n_outputs] = negative_id
                n_outputs += 1
                break
    return state, n_outputs


@compiled_with_arrays
def pair_buckets(mass, prob, other):
    """Fill each bucket of less than average mass from one of more: Vose's form of Walker's method.

    ``mass`` float64 (V,), with sum V, is used up; ``prob`` float64 (V,) begins as ones and ``other`` int32 (V,)
    as 0 .. V - 1.
    """
    small, large = np.empty(mass.size, np.int32), np.empty(mass.size, np.int32)
    n_small, n_large = 0, 0
    for b in range(mass.size):
        if mass[b] < 1.0:
            small[n_small] = b
            n_small += 1
        else:
            large[n_large] = b
            n_large += 1
    while n_small > 0 and n_large > 0:
        n_small -= 1
        poor, rich = small[n_small], large[n_large - 1]
        prob[poor], other[poor] = mass[poor], rich
        mass[rich] -= 1.0 - mass[poor]
        if mass[rich] < 1.0:
            n_large -= 1
            small[n_small] = rich
            n_small += 1
