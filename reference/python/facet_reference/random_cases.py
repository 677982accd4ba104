"""Random streams, and what a run draws from them: the order of samples, held-out images, check digits, hidden tokens."""

import math

from .model_cases import auxiliary_draws
from .random_numbers import PURPOSES, RandomStream, random_key, shuffled

# Words of keys: small, negative, above 2^31, above 2^32, at the limit of exact integers.
WORDS = [[], [0], [1, 2, 3], [-1], [7, -1], [2**31], [2**32 - 1], [2**32], [2**40 + 3, 5], [2**53 - 1, 0, 9]]


def keys() -> list[dict]:
    return [
        dict(name=purpose, words=words, key=random_key(purpose, *words)) for purpose in PURPOSES for words in WORDS
    ]


def streams() -> list[dict]:
    found = []
    for key in (0, 1, 0xFFFFFFFF, random_key("permutation", 1, 0)):
        draws = RandomStream(key)
        found.append(
            dict(
                name=f"key {key}",
                key=key,
                integers=[draws.uint32() for _ in range(5)],
                uniforms=[draws.uniform() for _ in range(5)],
                # 3 * 2^30 rejects a quarter of all draws.
                below=[draws.below(bound) for bound in (1, 2, 10, 3 * 2**30, 3 * 2**30, 3 * 2**30, 2**32)],
                normals=[draws.normal() for _ in range(5)],
            )
        )
    return found


def shuffles() -> list[dict]:
    return [dict(name=f"{size} by {key}", key=key, size=size, order=shuffled(key, size)) for key, size in
            ((5, 1), (5, 2), (9, 10), (random_key("permutation", 3, 2), 50))]


def plan(name: str, seed: int, total: int, train: int, held: int, global_batch: int, micro: int) -> dict:
    """Every micro-batch of two epochs, after docs/training.md."""
    held_out = sorted(shuffled(random_key("held-out"), total)[total - held :]) if held else []
    trained = [i for i in range(total) if i not in set(held_out)][: train or None]
    bound = math.floor(2**24 / global_batch)
    steps = []
    for epoch in range(2):
        order = [trained[place] for place in shuffled(random_key("permutation", seed, epoch), len(trained))]
        for start in range(0, len(order), global_batch):
            ids = order[start : start + global_batch]
            steps.append(
                dict(
                    epoch=epoch,
                    microBatches=[ids[i : i + micro] for i in range(0, len(ids), micro)],
                    checksum=sum(random_key("accounting", seed, epoch, i) % bound for i in ids),
                )
            )
    return dict(
        name=name, seed=seed, total=total, train=train, heldOut=held, globalBatch=global_batch, microBatch=micro,
        heldOutIds=held_out, steps=steps,
    )


def random_numbers() -> dict:
    auxiliary = []
    for tokens in (2, 9):
        pairs, hidden = auxiliary_draws(random_key("auxiliary", 4, 3, 2), tokens)
        auxiliary.append(dict(name=f"{tokens} tokens", tokens=tokens, pairs=pairs, hidden=sorted(hidden)))
    return dict(
        numbers=dict(
            keys=keys(),
            streams=streams(),
            shuffles=shuffles(),
            plans=[
                plan("all samples", 1, 37, 0, 0, 8, 3),
                plan("some held out", 2**33 + 1, 40, 0, 7, 16, 16),
                plan("few of the others", 5, 40, 21, 6, 6, 4),
            ],
            auxiliary=auxiliary,
        )
    )
