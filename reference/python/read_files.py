"""Reads what Facet wrote, and prints it as one line of JSON.

    python reference/python/read_files.py ledger FILE
    python reference/python/read_files.py tensors FILE
    python reference/python/read_files.py checkpoint FOLDER
    python reference/python/read_files.py onnx MODEL IMAGES      IMAGES: safetensors with `images`
"""

import json
import sys
from pathlib import Path

from facet_reference.files import read_checkpoint, read_ledger, read_tensors


def run_onnx(model: Path, images: Path) -> dict:
    """The answers of ONNX Runtime for Python."""
    import onnxruntime
    from safetensors.numpy import load_file

    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    logits, probabilities = session.run(["logits", "probabilities"], load_file(images))
    return dict(
        inputs=[[i.name, i.shape] for i in session.get_inputs()],
        logits=logits.ravel().tolist(),
        probabilities=probabilities.ravel().tolist(),
    )


READERS = {"ledger": read_ledger, "tensors": read_tensors, "checkpoint": read_checkpoint, "onnx": run_onnx}

if __name__ == "__main__":
    kind, *paths = sys.argv[1:]
    print(json.dumps(READERS[kind](*map(Path, paths))))
