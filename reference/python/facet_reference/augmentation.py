"""Augmentation of a micro-batch (docs/training.md, "Augmentation"), with NumPy and SciPy."""

import math

import numpy as np
from scipy import ndimage

from .random_numbers import random_key, shuffled, stream


def half_up(value: float) -> int:
    return math.floor(value + 0.5)


def to_bytes(values: np.ndarray) -> np.ndarray:
    """Halves up."""
    return np.floor(np.clip(values, 0, 255) + 0.5).clip(0, 255).astype(np.uint8)


def to_bytes_even(values: np.ndarray) -> np.ndarray:
    """Halves to even."""
    return np.rint(np.clip(values, 0, 255)).astype(np.uint8)


def resample(image: np.ndarray, matrix: np.ndarray, moved: tuple[float, float], padding: str) -> np.ndarray:
    """The new pixel at p, (x, y) from the centre, is the old image at matrix p + moved. image [H, W, C] of bytes."""
    height, width, channels = image.shape
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    rows, columns = np.mgrid[0:height, 0:width]
    places = np.stack([columns - centre[0], rows - centre[1]], -1) @ matrix.T + np.array(moved) + centre
    at = [places[..., 1], places[..., 0]]
    mode = "mirror" if padding == "reflect" else "grid-constant"
    planes = [
        ndimage.map_coordinates(image[..., c].astype(float), at, order=1, mode=mode, cval=0) for c in range(channels)
    ]
    return to_bytes(np.stack(planes, -1))


def turn(degrees: float, factor: float = 1.0) -> np.ndarray:
    angle = math.radians(degrees)
    return np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]]) / factor


def grey(image: np.ndarray) -> np.ndarray:
    """[H, W, 1]"""
    if image.shape[2] != 3:
        return image.astype(float)
    return (image.astype(float) @ np.array([0.299, 0.587, 0.114]))[..., None]


def by_channel(image: np.ndarray, strength: float, curve) -> np.ndarray:
    """Blends in what a curve makes of each channel; a channel with one value stays."""
    result = image.copy()
    for c in range(image.shape[2]):
        channel = image[..., c]
        if channel.min() == channel.max():
            continue
        values = channel.astype(float)
        result[..., c] = to_bytes_even(values + abs(strength) * (curve(channel) - values))
    return result


def equalized(channel: np.ndarray) -> np.ndarray:
    ordered = np.sort(channel.ravel())
    up_to = np.searchsorted(ordered, channel, side="right")
    lowest = np.searchsorted(ordered, channel.min(), side="right")
    return 255 * (up_to - lowest) / (channel.size - lowest)


def stretched(channel: np.ndarray) -> np.ndarray:
    low, high = float(channel.min()), float(channel.max())
    return 255 * (channel - low) / (high - low)


NEIGHBOURS = np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]]) / 13


def sharpness(image: np.ndarray, s: float) -> np.ndarray:
    result = image.copy()
    inner = (slice(1, -1), slice(1, -1))
    for c in range(image.shape[2]):
        values = image[..., c].astype(float)
        smooth = ndimage.convolve(values, NEIGHBOURS)
        result[(*inner, c)] = to_bytes(smooth + (values - smooth) * (1 + 0.9 * s))[inner]
    return result


def posterize(image: np.ndarray, s: float) -> np.ndarray:
    bits = half_up(4 * abs(s))
    return image >> bits << bits


def operations() -> dict:
    """In the order of the specification; each takes (image, strength, padding)."""
    identity = np.eye(2)
    return {
        "brightness": lambda i, s, p: to_bytes_even(i * (1 + 0.9 * s)),
        "contrast": lambda i, s, p: to_bytes_even(grey(i).mean() + (i - grey(i).mean()) * (1 + 0.9 * s)),
        "posterize": lambda i, s, p: posterize(i, s),
        "solarize": lambda i, s, p: np.where(i >= 256 * (1 - abs(s)), 255 - i, i).astype(np.uint8),
        "autocontrast": lambda i, s, p: by_channel(i, s, stretched),
        "equalize": lambda i, s, p: by_channel(i, s, equalized),
        "sharpness": lambda i, s, p: sharpness(i, s),
        "rotate": lambda i, s, p: resample(i, turn(30 * s), (0, 0), p),
        "shear-x": lambda i, s, p: resample(i, np.array([[1, 0.3 * s], [0, 1]]), (0, 0), p),
        "shear-y": lambda i, s, p: resample(i, np.array([[1, 0], [0.3 * s, 1]]), (0, 0), p),
        "translate-x": lambda i, s, p: resample(i, identity, (0.3 * i.shape[1] * s, 0), p),
        "translate-y": lambda i, s, p: resample(i, identity, (0, 0.3 * i.shape[0] * s), p),
        "saturation": lambda i, s, p: to_bytes(grey(i) + (i - grey(i)) * (1 + 0.9 * s)),
    }


def rand_augment(image: np.ndarray, recipe: dict, draws) -> np.ndarray:
    found = list(operations().values())
    if image.shape[2] != 3:
        found = found[:12]
    for _ in range(recipe["randAugment"]["operations"]):
        operation = found[draws.below(len(found))]
        sign = 1 if draws.below(2) == 0 else -1
        image = operation(image, sign * recipe["randAugment"]["magnitude"] / 10, recipe["padding"])
    return image


def shifted(image: np.ndarray, dx: int, dy: int, is_flipped: bool, padding: str) -> np.ndarray:
    height, width, _ = image.shape
    if is_flipped:
        image = image[:, ::-1]
    # A mirror swaps the ends: the old pixel W - 1 - column - dx is the mirrored pixel column + dx.
    pad = ((abs(dy), abs(dy)), (abs(dx), abs(dx)), (0, 0))
    padded = np.pad(image, pad, mode="reflect") if padding == "reflect" else np.pad(image, pad)
    return padded[abs(dy) + dy :, abs(dx) + dx :][:height, :width]


def square(row: int, column: int, height: int, width: int, image_height: int, image_width: int):
    top, left = row - height // 2, column - width // 2
    return (
        slice(max(0, top), min(image_height, top + height)),
        slice(max(0, left), min(image_width, left + width)),
    )


def augment(image: np.ndarray, recipe: dict, mean: list[float], seed: int, epoch: int, id: int) -> np.ndarray:
    """[H, W, C] of bytes -> [C, H, W] of float32."""
    height, width, channels = image.shape
    image = rand_augment(image, recipe, stream("rand-augment", seed, epoch, id))
    if recipe["rotateDegrees"] > 0 or recipe["scaleShare"] > 0:
        draws = stream("affine", seed, epoch, id)
        degrees = (2 * draws.uniform() - 1) * recipe["rotateDegrees"]
        factor = 1 + (2 * draws.uniform() - 1) * recipe["scaleShare"]
        image = resample(image, turn(degrees, factor), (0, 0), recipe["padding"])
    draws = stream("augmentation", seed, epoch, id)
    span = 2 * recipe["shiftPixels"] + 1
    dx = draws.below(span) - recipe["shiftPixels"]
    dy = draws.below(span) - recipe["shiftPixels"]
    is_flipped = recipe["flip"] and draws.uint32() % 2 == 1
    image = shifted(image, dx, dy, is_flipped, recipe["padding"])
    planar = (image.transpose(2, 0, 1) / 255).astype(np.float32)
    if recipe["cutoutPixels"] > 0:
        draws = stream("cutout", seed, epoch, id)
        row, column = draws.below(height), draws.below(width)
        side = recipe["cutoutPixels"]
        box = square(row, column, side, side, height, width)
        for c in range(channels):
            planar[(c, *box)] = mean[c]
    return planar


def beta(alpha: float, draws) -> float:
    while True:
        a = draws.uniform() ** (1 / alpha)
        b = draws.uniform() ** (1 / alpha)
        if 0 < a + b <= 1:
            return a / (a + b)


def mix(images: np.ndarray, targets: np.ndarray, ids: list[int], recipe: dict, seed, epoch, step, index):
    """images [rows, C, H, W]; returns new images and targets."""
    mixed, mixed_targets = images.copy(), targets.copy()
    mixup, cutmix = recipe["mixup"], recipe["cutmix"]
    if mixup["share"] + cutmix["share"] == 0 or len(ids) < 2:
        return mixed, mixed_targets
    height, width = images.shape[2:]
    ring = shuffled(random_key("pairing", seed, epoch, step, index), len(ids))
    for place, row in enumerate(ring):
        other = ring[(place + 1) % len(ring)]
        draws = stream("mixing", seed, epoch, ids[row])
        choice = draws.uniform()
        if choice < mixup["share"]:
            share = beta(mixup["alpha"], draws)
            mixed[row] = images[row] * (1 - share) + images[other] * share
        elif choice < mixup["share"] + cutmix["share"]:
            r = math.sqrt(draws.uniform())
            centre = draws.below(height), draws.below(width)
            box = square(*centre, half_up(height * r), half_up(width * r), height, width)
            mixed[(row, slice(None), *box)] = images[(other, slice(None), *box)]
            share = (box[0].stop - box[0].start) * (box[1].stop - box[1].start) / (height * width)
        else:
            continue
        mixed_targets[row] = targets[row] * (1 - share) + targets[other] * share
    return mixed, mixed_targets


def micro_batch(samples: list[np.ndarray], labels: list[int], ids: list[int], size: int, options: dict):
    """Images [size, C, H, W], targets [size, classes] and sample weights [size] of a micro-batch."""
    recipe, mean, seed, epoch = options["recipe"], options["mean"], options["seed"], options["epoch"]
    images = np.stack([augment(s, recipe, mean, seed, epoch, i) for s, i in zip(samples, ids)])
    targets = np.eye(options["classes"], dtype=np.float32)[labels]
    images, targets = mix(images, targets, ids, recipe, seed, epoch, options["step"], options["index"])
    missing = size - len(ids)
    return (
        np.concatenate([images, np.zeros((missing, *images.shape[1:]), np.float32)]),
        np.concatenate([targets, np.zeros((missing, options["classes"]), np.float32)]),
        np.array([1.0] * len(ids) + [0.0] * missing, np.float32),
    )
