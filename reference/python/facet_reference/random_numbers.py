"""Counter-based random streams (docs/training.md, "Random numbers")."""

import math

PURPOSES = {
    name: number
    for number, name in enumerate(
        [
            "permutation",
            "augmentation",
            "initialisation",
            "accounting",
            "held-out",
            "affine",
            "rand-augment",
            "cutout",
            "pairing",
            "mixing",
            "auxiliary",
            "attack",
            "corruption",
            "adversarial",
            "simulation",
            "rounding",
            "noise",
        ],
        start=1,
    )
}

WORD = 0xFFFFFFFF


def mix(state: int, word: int) -> int:
    h = state ^ (word * 0xCC9E2D51 & WORD)
    h = (h << 13 | h >> 19) & WORD
    h = (h * 5 + 0xE6546B64) & WORD
    h ^= h >> 16
    h = h * 0x85EBCA6B & WORD
    h ^= h >> 13
    h = h * 0xC2B2AE35 & WORD
    return h ^ h >> 16


def random_key(purpose: str, *words: int) -> int:
    key = mix(0x9E3779B9, PURPOSES[purpose])
    for word in words:
        key = mix(key, word & WORD)
        high = int(word / 2**32)  # towards zero
        if high != 0:
            key = mix(key, high & WORD)
    return key


class RandomStream:
    def __init__(self, key: int):
        self.start = mix(key, 0x51ED270B)
        self.counter = 0

    def uint32(self) -> int:
        draw = mix(self.start, self.counter)
        self.counter += 1
        return draw

    def uniform(self) -> float:
        return self.uint32() / 2**32

    def below(self, bound: int) -> int:
        limit = 2**32 - 2**32 % bound
        draw = self.uint32()
        while draw >= limit:
            draw = self.uint32()
        return draw % bound

    def normal(self) -> float:
        radius = math.sqrt(-2 * math.log(1 - self.uniform()))
        return radius * math.cos(2 * math.pi * self.uniform())


def stream(purpose: str, *words: int) -> RandomStream:
    return RandomStream(random_key(purpose, *words))


def shuffled(key: int, size: int) -> list[int]:
    order = list(range(size))
    draws = RandomStream(key)
    for i in range(size - 1, 0, -1):
        j = draws.below(i + 1)
        order[i], order[j] = order[j], order[i]
    return order
