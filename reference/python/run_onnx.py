"""Runs an ONNX file with onnxruntime for Python: run_onnx.py MODEL FEEDS. FEEDS is JSON, {name: {shape, values}}."""

import json
import sys

import numpy
import onnxruntime

model, feeds_file = sys.argv[1:]
with open(feeds_file, encoding="utf-8") as file:
    feeds = json.load(file)
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
outputs = [output.name for output in session.get_outputs()]
inputs = {
    name: numpy.array(feed["values"], dtype=numpy.float32).reshape(feed["shape"]) for name, feed in feeds.items()
}
answers = session.run(outputs, inputs)
metadata = session.get_modelmeta().custom_metadata_map
print(json.dumps({"outputs": {n: a.ravel().tolist() for n, a in zip(outputs, answers)}, "metadata": metadata}))
