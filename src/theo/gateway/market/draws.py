"""Seeded draws that can be taken anywhere in their stream: the same key and place give the same number, always.

Counter based (SplitMix64; Steele, Lea, Flood 2014): the n-th draw costs the same as the first.
"""

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_MANTISSA_SHIFT, _MANTISSA = np.uint64(11), 2.0**-53
UNIFORMS_A_NORMAL = 3  # Irwin-Hall: their sum has variance 1/4, and nothing beyond three deviations


def stream(seed: int, *names: object) -> int:
    """The key of a stream of draws."""
    text = "\x1f".join([str(seed), *map(str, names)])
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def uniforms(key: int, first: int, count: int) -> Floats:
    """Draws ``first`` to ``first + count`` (excluded) of a stream, in [0, 1)."""
    place = np.arange(first, first + count, dtype=np.int64).astype(np.uint64)  # negative places wrap, and stay distinct
    z = (place + np.uint64(1)) * _GOLDEN + np.uint64(key)
    z = (z ^ (z >> np.uint64(30))) * _MIX_1
    z = (z ^ (z >> np.uint64(27))) * _MIX_2
    z ^= z >> np.uint64(31)
    return (z >> _MANTISSA_SHIFT).astype(np.float64) * _MANTISSA


def normals(key: int, first: int, count: int) -> Floats:
    """As ``uniforms``, nearly normal with mean 0 and variance 1, between -3 and 3."""
    three = uniforms(key, first * UNIFORMS_A_NORMAL, count * UNIFORMS_A_NORMAL).reshape(count, UNIFORMS_A_NORMAL)
    normal: Floats = 2.0 * three.sum(axis=1) - UNIFORMS_A_NORMAL
    return normal
