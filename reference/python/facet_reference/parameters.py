"""Names, shapes, order and first values of the parameters (docs/model.md, "Parameters")."""

import math
from dataclasses import dataclass

import numpy as np

from .random_numbers import stream


@dataclass(frozen=True)
class Parameter:
    name: str
    shape: tuple[int, ...]
    # ("normal", deviation), ("constant", value) or ("cosines", channels, patch size)
    start: tuple

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def decays(self) -> bool:
        return self.name.endswith(".weight") and not self.name.endswith("views.weight")


def grid(image: dict, model: dict) -> tuple[int, int, int]:
    """Tokens along one side, pixels per token, cells per token."""
    cells = model["merge"]
    for convolution in model["stemConvolutions"]:
        cells *= convolution["stride"]
    pixels = model["patchStride"] * cells
    return math.ceil(image["height"] / pixels), pixels, cells


def parameters(image: dict, classes: int, model: dict) -> list[Parameter]:
    side, _, _ = grid(image, model)
    channels, width, depth = image["channels"], model["width"], model["depth"]
    ratio, views = model["mlpRatio"], len(model["views"])
    found: list[Parameter] = []

    def add(name, shape, *start):
        found.append(Parameter(name, shape, start))

    def linear(name, inputs, outputs, scale=1.0):
        add(f"{name}.weight", (inputs, outputs), "normal", scale / math.sqrt(inputs))
        add(f"{name}.bias", (outputs,), "constant", 0)

    def norm(name, features):
        add(f"{name}.gain", (features,), "constant", 1)
        add(f"{name}.bias", (features,), "constant", 0)

    def mlp(name, features, branches):
        norm(f"{name}.norm", features)
        linear(f"{name}.in", features, features * ratio)
        linear(f"{name}.out", features * ratio, features, 1 / math.sqrt(branches))

    features = model["stemWidth"]
    inputs = channels * model["patchSize"] ** 2
    if model["stemStart"] == "cosines":
        add("stem.weight", (inputs, features), "cosines", channels, model["patchSize"])
        add("stem.bias", (features,), "constant", 0)
    else:
        linear("stem", inputs, features)
    for i in range(model["stemDepth"]):
        mlp(f"stem{i}.mlp", features, model["stemDepth"])
    for i, convolution in enumerate(model["stemConvolutions"]):
        norm(f"stem.convolution{i}.norm", features)
        linear(f"stem.convolution{i}", 9 * features, convolution["features"])
        features = convolution["features"]
    if model["stemConvolutions"]:
        norm("embedding.norm", features)
    linear("embedding", model["mergeSize"] ** 2 * features, width)
    add("embedding.position", (side * side, width), "normal", 0.02)
    has_views = model["injection"] != "none"
    if has_views:
        linear("views.patch", channels * model["viewPatchSize"] ** 2, width)
        norm("views.norm", width)
        add("views.viewpoint", (views, width), "normal", 0.02)
    branches = depth * (1 + model["mlpsPerBlock"])
    for b in range(depth):
        if has_views and b < model["injectionBlocks"]:
            if model["viewWeights"] != "uniform":
                add(f"block{b}.views.weight", (views,), "constant", 1 / math.sqrt(views))
            if model["injection"] == "additive":
                add(f"block{b}.views.injection", (1,), "constant", 0.1)
        norm(f"block{b}.attention.norm", width)
        linear(f"block{b}.attention.qkv", width, 3 * width)
        if model["relativeBias"]:
            add(f"block{b}.attention.relative", ((2 * side - 1) ** 2, model["heads"]), "constant", 0)
        linear(f"block{b}.attention.out", width, width, 1 / math.sqrt(branches))
        for i in range(model["mlpsPerBlock"]):
            mlp(f"block{b}.mlp{i or ''}", width, branches)
    if model["auxiliary"]["relativePosition"] > 0:
        linear("auxiliary.position.in", 2 * width, 128)
        linear("auxiliary.position.out", 128, 2, 0.1)
    if model["auxiliary"]["completion"] > 0:
        add("auxiliary.completion.mask", (width,), "normal", 0.02)
        linear("auxiliary.completion.query", width, width)
        linear("auxiliary.completion.keyValue", width, 2 * width)
        linear("auxiliary.completion.out", width, channels * model["viewPatchSize"] ** 2, 0.1)
    norm("head.norm", width)
    add("head.pool.weight", (width, 1), "normal", 1 / math.sqrt(width))
    linear("head", width, classes, 0.1)
    return found


def initial_values(layout: list[Parameter], seed: int) -> np.ndarray:
    """The flat buffer before the first step, float32."""
    parts = []
    for index, parameter in enumerate(layout):
        kind, *facts = parameter.start
        if kind == "constant":
            values = np.full(parameter.size, facts[0])
        elif kind == "cosines":
            values = cosines(*facts, features=parameter.shape[1]).ravel()
        else:
            values = truncated_normals(parameter.size, seed, index) * facts[0]
        parts.append(values.astype(np.float32))
    return np.concatenate(parts)


def truncated_normals(count: int, seed: int, index: int) -> np.ndarray:
    draws = stream("initialisation", seed, index)
    values = []
    while len(values) < count:
        draw = draws.normal()
        if abs(draw) <= 2:
            values.append(draw)
    return np.array(values)


def cosines(channels: int, size: int, features: int) -> np.ndarray:
    root = math.sqrt
    colours = (
        np.array([[1 / root(3)] * 3, [1 / root(2), 0, -1 / root(2)], [1 / root(6), -2 / root(6), 1 / root(6)]])
        if channels == 3
        else np.array([[1.0]])
    )
    # Row f of the matrix is the wave of frequency f: the orthonormal DCT-II.
    frequency, place = np.meshgrid(np.arange(size), np.arange(size), indexing="ij")
    basis = np.cos(np.pi * (place + 0.5) * frequency / size) * np.sqrt(np.where(frequency == 0, 1, 2) / size)
    waves = []
    for colour in range(len(colours)):
        for down in range(size):
            for across in range(size):
                strength = (1 + down**2 + across**2) ** 1.35 * (1, 3.3, 7)[colour]
                gain = min(2, strength / (0.84 * size * root(channels)))
                waves.append((gain, colour, down + across, down, across))
    waves.sort()
    columns = [
        gain * np.einsum("c,r,k->crk", colours[colour], basis[down], basis[across]).ravel()
        for gain, colour, _, down, across in waves[:features]
    ]
    inputs = channels * size * size
    matrix = np.zeros((inputs, features))
    matrix[:, : len(columns)] = np.stack(columns, 1)
    draws = stream("initialisation", inputs, features)
    for row in range(inputs):
        for column in range(len(columns), features):
            matrix[row, column] = draws.normal() / root(inputs)
    return matrix
