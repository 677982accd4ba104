"""Tiny models, one for every option, with the loss and the gradient that PyTorch has for them."""

import numpy as np
import torch

from .model import train
from .parameters import grid, initial_values, parameters
from .random_numbers import random_key, RandomStream, shuffled, stream

GREY = dict(height=8, width=8, channels=1)
COLOUR = dict(height=9, width=9, channels=3)

BASE = dict(
    views=["identity", "zoom-in", "zoom-out"],
    viewWeights="normalised",
    injection="additive",
    injectionBlocks=64,
    viewNorm="each",
    viewImages="own",
    viewPatchSize=5,
    patchSize=3,
    patchStride=2,
    stemWidth=4,
    stemStart="random",
    stemDepth=0,
    stemConvolutions=[],
    merge=2,
    mergeSize=2,
    relativeBias=False,
    width=8,
    depth=2,
    heads=2,
    mlpRatio=2,
    mlpsPerBlock=1,
    auxiliary=dict(relativePosition=0, completion=0),
    pixels=dict(mean=[0.3], stddev=[0.4]),
)
COLOURS = dict(pixels=dict(mean=[0.5, 0.4, 0.3], stddev=[0.2, 0.3, 0.25]))
CONVOLUTIONS = [dict(features=6, stride=2), dict(features=6, stride=1), dict(features=4, stride=1)]

CASES = [
    ("plain", {}),
    ("one view, raw weight", dict(views=["identity"], viewWeights="raw")),
    ("rotation and shift", dict(views=["identity", "rotation", "shift"])),
    ("four views", dict(views=["identity", "shift", "zoom-out", "rotation"])),
    ("placebo", dict(views=["identity", "identity"])),
    ("no injection", dict(injection="none")),
    ("views in the first block only", dict(injectionBlocks=1)),
    ("raw weights", dict(viewWeights="raw")),
    ("uniform weights", dict(viewWeights="uniform")),
    ("norm of the sum", dict(viewNorm="sum")),
    ("norm of the sum, raw weights, shuffled", dict(viewNorm="sum", viewWeights="raw", viewImages="shuffled")),
    ("shuffled images", dict(viewImages="shuffled")),
    ("cross", dict(injection="cross")),
    ("cross, uniform weights", dict(injection="cross", viewWeights="uniform")),
    ("cross, raw weights, relative bias", dict(injection="cross", viewWeights="raw", relativeBias=True)),
    ("cross, first block, shuffled", dict(injection="cross", injectionBlocks=1, viewImages="shuffled")),
    ("relative bias", dict(relativeBias=True, patchStride=1)),
    ("one block, four heads", dict(depth=1, heads=4)),
    ("overlapping windows of 3", dict(mergeSize=3, patchStride=1)),
    ("overlapping windows of 4", dict(mergeSize=4)),
    ("merge of 1 in windows of 2", dict(merge=1, mergeSize=2, patchStride=4)),
    ("three MLPs, ratio 3", dict(mlpsPerBlock=3, mlpRatio=3, depth=1)),
    ("MLPs in the stem", dict(stemDepth=2, stemWidth=8)),
    ("convolutions", dict(stemConvolutions=CONVOLUTIONS, patchStride=1, mergeSize=3)),
    ("convolutions after MLPs", dict(stemDepth=1, stemWidth=8, stemConvolutions=CONVOLUTIONS[:1], patchStride=1)),
    ("relative position", dict(auxiliary=dict(relativePosition=0.7, completion=0))),
    ("completion", dict(auxiliary=dict(relativePosition=0, completion=0.6))),
    ("completion, cross", dict(auxiliary=dict(relativePosition=0, completion=0.6), injection="cross")),
    ("completion, norm of the sum", dict(auxiliary=dict(relativePosition=0, completion=0.6), viewNorm="sum")),
    ("one token", dict(patchStride=8, merge=1, mergeSize=1, relativeBias=True)),
    ("one token, convolutions", dict(patchStride=4, merge=1, mergeSize=3, stemConvolutions=CONVOLUTIONS)),
    (
        "both auxiliary losses, shuffled",
        dict(auxiliary=dict(relativePosition=0.2, completion=0.3), viewImages="shuffled", views=["identity", "shift"]),
    ),
    ("small patches on large strides", dict(patchSize=1, viewPatchSize=3)),
    ("colour, 9 pixels, cosines", dict(COLOURS, stemStart="cosines", relativeBias=True), dict(image=COLOUR)),
    ("label smoothing", {}, dict(labelSmoothing=0.2)),
    ("mixed targets", {}, dict(labelSmoothing=0.1, mixedShare=0.3)),
    ("sample weights", {}, dict(sampleWeights=[1, 0, 1])),
    ("fractional sample weights", {}, dict(sampleWeights=[0.25, 1, 0.5])),
]

CLASSES = 3


def describe(number: int, case) -> dict:
    name, changes, *more = case
    facts = dict(image=GREY, labelSmoothing=0.0, mixedShare=0.0, sampleWeights=[1, 1, 0])
    facts.update(*more)
    return dict(name=name, number=number, classes=CLASSES, model={**BASE, **changes}, **facts)


def uniforms(count: int, *words: int) -> np.ndarray:
    draws = stream("simulation", *words)
    return np.array([draws.uniform() for _ in range(count)])


def weights_of(layout, number: int) -> np.ndarray:
    """Away from the start, where zeros would hide parts of the gradient."""
    values = 0.6 * (uniforms(sum(p.size for p in layout), number, 0) - 0.5)
    at = 0
    for p in layout:
        if p.name.endswith(".gain"):
            values[at : at + p.size] += 1
        at += p.size
    return values.astype(np.float32)


def targets_of(rows: int, mixed_share: float) -> np.ndarray:
    targets = np.zeros((rows, CLASSES))
    for row in range(rows):
        targets[row, row % CLASSES] += 1 - mixed_share
        targets[row, (row + 1) % CLASSES] += mixed_share
    return targets.astype(np.float32)


def auxiliary_draws(key: int, tokens: int):
    """docs/training.md, "Random numbers": pairs of tokens and hidden tokens."""
    draws = RandomStream(key)
    pairs = []
    for _ in range(32):
        first = draws.below(tokens)
        pairs.append((first, (first + 1 + draws.below(tokens - 1)) % tokens))
    order = shuffled(random_key("permutation", draws.uint32(), 0), tokens)
    return pairs, set(order[: tokens // 2])


def batch_of(case: dict) -> dict:
    image, number = case["image"], case["number"]
    rows = len(case["sampleWeights"])
    pixels = image["channels"] * image["height"] * image["width"]
    images = uniforms(rows * pixels, number, 1).astype(np.float32).reshape(rows, pixels)
    tokens = grid(image, case["model"])[0] ** 2
    pairs, hidden = None, None
    if any(case["model"]["auxiliary"].values()):
        pairs, hidden = auxiliary_draws(random_key("auxiliary", number, 1, 0), tokens)
    return dict(
        images=torch.tensor(images, dtype=torch.float64),
        targets=torch.tensor(targets_of(rows, case["mixedShare"]), dtype=torch.float64),
        sampleWeights=torch.tensor(case["sampleWeights"], dtype=torch.float64),
        labelSmoothing=case["labelSmoothing"],
        pairs=pairs,
        hidden=hidden,
    )


def model_numbers() -> dict:
    cases, tensors = [], {}
    for number, listed in enumerate(CASES):
        case = describe(number, listed)
        layout = parameters(case["image"], CLASSES, case["model"])
        weights = weights_of(layout, number)
        batch = batch_of(case)
        loss, correct, gradient, logits = train(case["image"], CLASSES, case["model"], layout, weights, batch)
        cases.append({**case, "loss": loss, "correct": correct, "logits": logits.flatten().tolist()})
        tensors[case["name"]] = gradient.numpy().astype(np.float32)
    return dict(numbers=dict(cases=cases), tensors=tensors)


LAYOUTS = [
    ("every part", 7, GREY, dict(
        stemDepth=1, stemWidth=8, stemConvolutions=CONVOLUTIONS[:2], patchStride=1, relativeBias=True, mlpsPerBlock=2,
        injectionBlocks=1, auxiliary=dict(relativePosition=1, completion=1),
    )),
    ("cross, uniform, colour", 2**40 + 3, COLOUR, dict(COLOURS, injection="cross", viewWeights="uniform")),
    ("no views, cosines", 1, COLOUR, dict(COLOURS, injection="none", stemStart="cosines", stemWidth=30)),
    ("grey cosines, more than waves", 1, GREY, dict(stemStart="cosines", patchSize=2, stemWidth=6)),
]


def layout_numbers() -> dict:
    """Names, shapes, order, decay and first values."""
    cases, tensors = [], {}
    for name, seed, image, changes in LAYOUTS:
        model = {**BASE, **changes}
        layout = parameters(image, CLASSES, model)
        slots = [[p.name, list(p.shape), p.decays] for p in layout]
        cases.append(dict(name=name, seed=seed, image=image, classes=CLASSES, model=model, slots=slots))
        tensors[name] = initial_values(layout, seed)
    return dict(numbers=dict(cases=cases), tensors=tensors)
