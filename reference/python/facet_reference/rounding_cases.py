"""Values rounded to the formats of gradients: PyTorch's bfloat16 and float16, and int8 after docs/training.md."""

import math

import numpy as np
import torch

from .random_numbers import WORD, random_key, stream

SEED, STEP, LEVEL, INDEX = 2**33 + 5, 12, 2, 3


def values() -> np.ndarray:
    """All sizes that gradients have, halfway values, zeros and limits; 700 of them, so that the last block is short."""
    draws = stream("simulation", 400)
    found = [(2 * draws.uniform() - 1) * 2.0 ** (draws.below(40) - 30) for _ in range(256)]
    found += [(2 * draws.uniform() - 1) * 2.0**-20 for _ in range(256)]
    special = [0.0, -0.0, 1.0, -1.0, 65_504.0, 65_519.0, 65_520.0, -1e9, 2.0**-24, 2.0**-25, 1.5 * 2.0**-24, 2.0**-14]
    # Halfway between two neighbours of bfloat16, and of float16.
    special += [1 + k * 2.0**-8 for k in range(1, 8)] + [1 + k * 2.0**-11 for k in range(1, 8)]
    found += special + [math.sin(i) for i in range(188 - len(special))]
    return np.array(found, np.float32)


def rounded_int8(flat: np.ndarray) -> np.ndarray:
    key = random_key("rounding", SEED, STEP, LEVEL, INDEX)
    result = np.empty_like(flat)
    for start in range(0, len(flat), 256):
        block = flat[start : start + 256]
        largest = float(np.abs(block).max())
        exponent = -120
        while largest > 127 * 2.0**exponent:
            exponent += 1
        unit = np.float32(2.0**exponent)
        for offset, value in enumerate(block):
            h = ((start + offset) ^ key) * 0x9E3779B1 & WORD
            h = (h ^ h >> 15) * 0x85EBCA6B & WORD
            draw = np.float32(((h ^ h >> 13) >> 8) / 2**24)
            u = np.float32(value / unit)
            floor = np.floor(u)
            result[start + offset] = (floor + (1 if u - floor >= np.float32(1) - draw else 0)) * unit
    return result


def rounding_numbers() -> dict:
    flat = values()
    as_torch = torch.tensor(flat)
    return dict(
        numbers=dict(seed=SEED, step=STEP, level=LEVEL, index=INDEX),
        tensors=dict(
            values=flat,
            bf16=as_torch.to(torch.bfloat16).float().numpy(),
            # What is finite stays finite.
            fp16=as_torch.clamp(-65_504, 65_504).to(torch.float16).float().numpy(),
            int8=rounded_int8(flat),
        ),
    )
