"""Stored numbers: written once, compared ever after."""

import json
import math
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

FOLDER = Path(__file__).resolve().parents[2] / "numbers"


class Mismatch(Exception):
    pass


def write(name: str, content: dict) -> None:
    """`content` has "numbers", a JSON value; it may have "tensors" by name, and "write" and "compare" for more."""
    FOLDER.mkdir(exist_ok=True)
    text = json.dumps(content["numbers"], separators=(",", ":"), ensure_ascii=False)
    # One case a line, so that a change can be read.
    (FOLDER / f"{name}.json").write_text(text.replace('},{"name"', '},\n{"name"') + "\n")
    if "tensors" in content:
        save_file(content["tensors"], FOLDER / f"{name}.safetensors")
    if "write" in content:
        content["write"]()


def compare(name: str, content: dict) -> None:
    """Raises Mismatch when what is stored differs by more than rounding."""
    stored = json.loads((FOLDER / f"{name}.json").read_text())
    compare_values(name, json.loads(json.dumps(content["numbers"])), stored)
    if "compare" in content:
        content["compare"]()
    tensors = content.get("tensors", {})
    kept = load_file(FOLDER / f"{name}.safetensors") if tensors else {}
    if tensors.keys() != kept.keys():
        raise Mismatch(f"{name}.safetensors has other tensors")
    for key, values in tensors.items():
        largest = max(1e-6, float(np.abs(values).max(initial=0)))
        if values.shape != kept[key].shape or not np.allclose(values, kept[key], rtol=0, atol=1e-6 * largest):
            raise Mismatch(f"{name}.safetensors: {key} differs")


def compare_values(place: str, actual, expected) -> None:
    if isinstance(expected, dict) and isinstance(actual, dict):
        if actual.keys() != expected.keys():
            raise Mismatch(f"{place}: keys {sorted(actual)} are not the stored {sorted(expected)}")
        for key in expected:
            compare_values(f"{place}.{key}", actual[key], expected[key])
    elif isinstance(expected, list) and isinstance(actual, list):
        if len(actual) != len(expected):
            raise Mismatch(f"{place}: {len(actual)} elements, stored are {len(expected)}")
        for i, pair in enumerate(zip(actual, expected)):
            compare_values(f"{place}[{i}]", *pair)
    elif isinstance(expected, float) or isinstance(actual, float):
        if not math.isclose(actual, expected, rel_tol=1e-9, abs_tol=1e-12):
            raise Mismatch(f"{place}: {actual}, stored is {expected}")
    elif actual != expected:
        raise Mismatch(f"{place}: {actual!r}, stored is {expected!r}")
