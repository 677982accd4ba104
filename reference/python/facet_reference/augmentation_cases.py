"""Micro-batches under every key of the augmentation, and every operation of RandAugment by itself."""

import numpy as np

from .augmentation import micro_batch, operations
from .random_numbers import stream

NONE = dict(
    shiftPixels=0,
    flip=False,
    padding="zero",
    rotateDegrees=0,
    scaleShare=0,
    randAugment=dict(operations=0, magnitude=0),
    cutoutPixels=0,
    mixup=dict(share=0, alpha=0.2),
    cutmix=dict(share=0),
)
GREY = dict(height=8, width=7, channels=1)
COLOUR = dict(height=7, width=8, channels=3)
EVERYTHING = dict(
    shiftPixels=2, flip=True, padding="reflect", rotateDegrees=20, scaleShare=0.2,
    randAugment=dict(operations=2, magnitude=6), cutoutPixels=4, mixup=dict(share=0.4, alpha=0.5),
    cutmix=dict(share=0.4),
)

CASES = [
    ("nothing", GREY, {}),
    ("shift", GREY, dict(shiftPixels=3)),
    ("shift, mirrored at the edge", COLOUR, dict(shiftPixels=8, padding="reflect")),
    ("flip", COLOUR, dict(flip=True)),
    ("flip and shift", COLOUR, dict(flip=True, shiftPixels=2)),
    ("rotation", COLOUR, dict(rotateDegrees=45)),
    ("rotation, mirrored at the edge", GREY, dict(rotateDegrees=30, padding="reflect")),
    ("scale", GREY, dict(scaleShare=0.5)),
    ("rotation, scale and shift", COLOUR, dict(rotateDegrees=15, scaleShare=0.1, shiftPixels=1)),
    ("RandAugment, grey", GREY, dict(randAugment=dict(operations=3, magnitude=9))),
    ("RandAugment, colour", COLOUR, dict(randAugment=dict(operations=4, magnitude=5.3), padding="reflect")),
    ("cutout", COLOUR, dict(cutoutPixels=5)),
    ("cutout of an even side", GREY, dict(cutoutPixels=4)),
    ("mixup", GREY, dict(mixup=dict(share=1, alpha=0.2))),
    ("mixup of some", COLOUR, dict(mixup=dict(share=0.5, alpha=1))),
    ("cutmix", COLOUR, dict(cutmix=dict(share=1))),
    ("everything", COLOUR, EVERYTHING),
    ("everything, grey", GREY, dict(EVERYTHING, flip=False)),
]

SIZE, CLASSES = 5, 4
# Four samples in a micro-batch of five: the last row is padding.
IDS = [3, 59_999, 17, 0]
LABELS = [1, 0, 3, 3]
MEAN = [0.5, 0.4, 0.3]


def bytes_of(image: dict, number: int) -> np.ndarray:
    draws = stream("simulation", 100, number)
    shape = (image["height"], image["width"], image["channels"])
    return np.array([draws.below(256) for _ in range(int(np.prod(shape)))], np.uint8).reshape(shape)


def augmentation_numbers() -> dict:
    cases, tensors = [], {}
    for number, (name, image, changes) in enumerate(CASES):
        recipe = {**NONE, **changes}
        facts = dict(seed=number + 1, epoch=number % 3, step=5 + number, index=number % 2)
        options = dict(recipe=recipe, mean=MEAN, classes=CLASSES, **facts)
        samples = [bytes_of(image, id) for id in IDS]
        images, targets, weights = micro_batch(samples, LABELS, IDS, SIZE, options)
        cases.append(
            dict(
                name=name, image=image, recipe=recipe, ids=IDS, labels=LABELS, size=SIZE, classes=CLASSES, mean=MEAN,
                targets=targets.ravel().tolist(), sampleWeights=weights.tolist(), **facts,
            )
        )
        tensors[name] = images.ravel()
    operated = []
    for name, operation in operations().items():
        for image in (GREY, COLOUR):
            if name == "saturation" and image is GREY:
                continue
            # No strength at which a resampled value is halfway between two bytes: there, rounding in float64 decides.
            for strength, padding in ((0.97, "zero"), (-0.93, "reflect"), (0.31, "reflect"), (-0.64, "zero"), (0, "zero")):
                source = bytes_of(image, 7)
                # A dark channel with few values, for what works on histograms.
                source[..., 0] //= 16
                result = operation(source, strength, padding)
                operated.append(
                    dict(
                        name=name, image=image, strength=strength, padding=padding,
                        pixels=result.ravel().tolist(),
                    )
                )
    return dict(numbers=dict(cases=cases, operations=operated), tensors=tensors)
