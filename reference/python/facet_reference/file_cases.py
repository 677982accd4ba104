"""A ledger, a checkpoint and a safetensors file that Python wrote, for our readers."""

import numpy as np
from safetensors.numpy import save_file

from . import stored
from .files import read_checkpoint, read_ledger, read_tensors, write_checkpoint, write_ledger

AT = "2026-11-29T01:02:03.000Z"
SHA = "0123456789abcdef" * 4

RECORDS = [
    dict(
        kind="run", version=2, run="über", dataset="mnist", datasetSha256=SHA, trainSamples=6, heldOut=[7, 59_999],
        seed=2**40 + 3, globalBatch=4, microBatch=2, epochs=1, configSha256=SHA, at=AT,
    ),
    dict(
        kind="commit", step=1, epoch=0, generation=1, samples=[5, 0, 4_294_967_295, 2], loss=2.302585092994046,
        weightsCrc="00ff00ff", correct=1, seconds=0.25, bytesExchanged=12_345, at=AT,
    ),
    dict(kind="fault", generation=1, step=1, code="PEER_UNAVAILABLE", message='worker "b" is gone\nφ', at=AT),
    dict(kind="replay", step=1, generation=2, weightsCrc="00ff00ff", at=AT),
    dict(kind="commit", step=2, epoch=0, generation=2, samples=[], loss=1.5, weightsCrc="deadbeef", at=AT),
    dict(kind="held-out-evaluation", step=2, epoch=0, heldOutAccuracy=0.5, heldOutLoss=0.125, at=AT),
    dict(kind="checkpoint", step=2, weightsSha256=SHA, at=AT),
    dict(kind="end", reason="finished", step=2, at=AT),
]

LAYOUT = [
    dict(name="stem.weight", shape=[2, 3], offset=0, length=6),
    dict(name="stem.bias", shape=[3], offset=6, length=3),
    dict(name="head.pool.weight", shape=[1, 1], offset=9, length=1),
]
FACTS = dict(
    run="demo", step=40, epoch=1, config=dict(seed=7, nested=dict(list=[1, 2.5, None, "ü"])), codeVersion="0.1.0",
    ledgerStep=40, metrics=dict(testAccuracy=0.991), engines=["onnxruntime/cpu"], at=AT,
)


def state() -> dict:
    values = lambda shift: ((np.arange(10) + shift) / 3).astype(np.float32)
    return dict(step=40, weights=values(0), m=values(100), v=values(200), ema=values(300))


def tensors() -> dict:
    return {
        "a scalar": np.array(0.5, np.float32),
        "empty": np.zeros((0, 3), np.float32),
        "floats": np.array([[1, -0.0, np.finfo(np.float32).tiny], [3e38, 1e-45, -2]], np.float32),
        "integers": np.array([-(2**31), 0, 2**31 - 1], np.int32),
        "bytes": np.array([0, 127, 255], np.uint8),
        "12": np.array([12], np.float32),
    }


def file_numbers() -> dict:
    """The files beside the numbers are what our readers are given."""
    held = {key: value.tolist() if isinstance(value, np.ndarray) else value for key, value in state().items()}
    kept = {name: dict(shape=list(t.shape), values=t.ravel().tolist()) for name, t in tensors().items()}
    numbers = dict(records=RECORDS, layout=LAYOUT, facts=FACTS, state=held, tensors=kept)
    return dict(numbers=numbers, write=write_files, compare=lambda: compare_files(held, kept))


def write_files() -> None:
    write_ledger(stored.FOLDER / "ledger.jsonl", RECORDS)
    write_checkpoint(stored.FOLDER / "checkpoint", state(), LAYOUT, FACTS)
    save_file(tensors(), stored.FOLDER / "tensors.safetensors", metadata={"φ": "two\nlines", "n": "1"})


def compare_files(held: dict, kept: dict) -> None:
    """What was written is still what is stored, as Python reads it."""
    if read_ledger(stored.FOLDER / "ledger.jsonl") != RECORDS:
        raise stored.Mismatch("ledger.jsonl has other records")
    if read_checkpoint(stored.FOLDER / "checkpoint") != {"run": FACTS["run"], **held}:
        raise stored.Mismatch("checkpoint has another state")
    found = read_tensors(stored.FOLDER / "tensors.safetensors")["tensors"]
    if {name: dict(shape=t["shape"], values=t["values"]) for name, t in found.items()} != kept:
        raise stored.Mismatch("tensors.safetensors has other tensors")
