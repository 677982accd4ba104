"""Checkpoints and ledgers, read and written after docs/training.md, "Files"."""

import base64
import hashlib
import json
import re
import struct
import zlib
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file


def line_of(record: dict, before: str | None) -> str:
    members = dict(record)
    for name in ("samples", "heldOut"):
        if name in members:
            members[name] = base64.b64encode(struct.pack(f"<{len(members[name])}I", *members[name])).decode()
    if before is not None:
        members["before"] = before
    body = json.dumps(members, separators=(",", ":"), ensure_ascii=False)
    return f'{body[:-1]},"crc":"{zlib.crc32(body.encode()):08x}"}}\n'


def write_ledger(path: Path, records: list[dict]) -> None:
    text, before = "", None
    for record in records:
        line = line_of(record, before)
        before = hashlib.sha256(line.encode()).hexdigest()
        text += line
    path.write_bytes(text.encode())


def read_ledger(path: Path) -> list[dict]:
    """Raises ValueError for a line that is damaged or does not fit the one before it."""
    records, before = [], None
    for number, line in enumerate(path.read_bytes().splitlines(keepends=True), start=1):
        parts = re.fullmatch(rb'(\{.*),"crc":"([0-9a-f]{8})"\}\n', line, re.DOTALL)
        if parts is None:
            raise ValueError(f"line {number} does not end with a checksum")
        body = parts[1] + b"}"
        if zlib.crc32(body) != int(parts[2], 16):
            raise ValueError(f"line {number} has another checksum")
        record = json.loads(body)
        if record.pop("before", None) != before:
            raise ValueError(f"line {number} was not written after the line before it")
        before = hashlib.sha256(line).hexdigest()
        for name in ("samples", "heldOut"):
            if name in record:
                data = base64.b64decode(record[name], validate=True)
                record[name] = list(struct.unpack(f"<{len(data) // 4}I", data))
        records.append(record)
    return records


def hash_of(path: Path) -> dict:
    data = path.read_bytes()
    return dict(bytes=len(data), sha256=hashlib.sha256(data).hexdigest())


def write_checkpoint(folder: Path, state: dict, layout: list[dict], facts: dict) -> None:
    """`state` has step and the flat weights, m, v and, if it is kept, ema."""
    folder.mkdir(parents=True, exist_ok=True)

    def named(flat):
        return {
            part["name"]: flat[part["offset"] : part["offset"] + part["length"]].reshape(part["shape"]) for part in layout
        }

    step = dict(step=str(state["step"]))
    save_file(named(state["weights"]), folder / "model.safetensors")
    save_file(dict(m=state["m"], v=state["v"]), folder / "optimizer.safetensors", metadata=step)
    save_file(named(state["ema"]), folder / "ema.safetensors", metadata=step)
    run = {
        "version": 1,
        **facts,
        "weightsSha256": hashlib.sha256(state["weights"].astype("<f4").tobytes()).hexdigest(),
        "files": {file.name: hash_of(file) for file in sorted(folder.glob("*.safetensors"))},
        "layout": layout,
    }
    body = json.dumps(run, indent=2, ensure_ascii=False)
    own = hashlib.sha256(body.encode()).hexdigest()
    (folder / "run.json").write_bytes(f'{body[:-2]},\n  "sha256": "{own}"\n}}\n'.encode())


def read_tensors(path: Path) -> dict:
    """Metadata, and shape, type and values of every tensor, by Hugging Face's own reader."""
    with safe_open(path, "numpy") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}
        metadata = file.metadata() or {}
    return dict(
        metadata=metadata,
        tensors={
            name: dict(shape=list(values.shape), type=str(values.dtype), values=values.astype(float).ravel().tolist())
            for name, values in sorted(tensors.items())
        },
    )


def read_checkpoint(folder: Path) -> dict:
    """The flat state and the facts; raises ValueError when a hash is not that of its file."""
    text = (folder / "run.json").read_text()
    parts = re.fullmatch(r'(.*),\n  "sha256": "([0-9a-f]{64})"\n\}\n', text, re.DOTALL)
    if parts is None or hashlib.sha256(f"{parts[1]}\n}}".encode()).hexdigest() != parts[2]:
        raise ValueError("run.json does not have its own SHA-256")
    run = json.loads(text)
    for name, seal in run["files"].items():
        if hash_of(folder / name) != seal:
            raise ValueError(f"{name} does not have its SHA-256")

    def flat_of(name: str) -> np.ndarray:
        with safe_open(folder / name, "numpy") as file:
            parts = [file.get_tensor(part["name"]) for part in sorted(run["layout"], key=lambda p: p["offset"])]
        return np.concatenate([part.ravel() for part in parts])

    weights = flat_of("model.safetensors")
    if hashlib.sha256(weights.tobytes()).hexdigest() != run["weightsSha256"]:
        raise ValueError("the weights do not have their SHA-256")
    with safe_open(folder / "optimizer.safetensors", "numpy") as file:
        moments = {name: file.get_tensor(name).tolist() for name in ("m", "v")}
        step = int(file.metadata()["step"])
    ema = flat_of("ema.safetensors").tolist()
    return dict(run=run["run"], step=step, weights=weights.tolist(), ema=ema, **moments)
