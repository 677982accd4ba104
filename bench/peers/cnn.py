"""The network of examples/layers-cnn in PyTorch, eager, one thread.

Reads lines of JSON {"shapes", "weights", "images", "labels", "channelsLast", "runs"} from standard input: parameters end to
end as tf.layers have them, images [batch, height, width, channels]. Answers each with {"loss", "gradient" (laid out as the
weights), "milliseconds" of every run (forward and backward), "version"}.
"""

import json
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
torch.set_num_interop_threads(1)

WARM_UP = 2


class Cnn(nn.Module):
    """Three convolutions with relu and pooling, then a dense layer on the features in tf's order."""

    def __init__(self, shapes: list[list[int]]) -> None:
        super().__init__()
        kernels = shapes[0:6:2]
        self.convolutions = nn.ModuleList(nn.Conv2d(shape[2], shape[3], shape[0], padding="same") for shape in kernels)
        self.answer = nn.Linear(*shapes[6])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for convolution in self.convolutions:
            x = F.max_pool2d(F.relu(convolution(x)), 2)
        return self.answer(x.permute(0, 2, 3, 1).flatten(1))

    def in_order(self) -> list[nn.Parameter]:
        modules = [*self.convolutions, self.answer]
        return [parameter for module in modules for parameter in (module.weight, module.bias)]


def to_torch(values: torch.Tensor) -> torch.Tensor:
    """[height, width, in, out] -> [out, in, height, width]; [in, out] -> [out, in]."""
    return values.permute(3, 2, 0, 1) if values.ndim == 4 else values.t() if values.ndim == 2 else values


def from_torch(values: torch.Tensor) -> torch.Tensor:
    return values.permute(2, 3, 1, 0) if values.ndim == 4 else values.t() if values.ndim == 2 else values


def build(ask: dict) -> Cnn:
    model = Cnn(ask["shapes"])
    weights = torch.tensor(ask["weights"], dtype=torch.float32)
    sizes = [torch.Size(shape).numel() for shape in ask["shapes"]]
    with torch.no_grad():
        for parameter, values, shape in zip(model.in_order(), weights.split(sizes), ask["shapes"], strict=True):
            parameter.copy_(to_torch(values.reshape(shape)))
    return model


def main() -> None:
    for line in sys.stdin:
        ask = json.loads(line)
        model = build(ask)
        labels = torch.tensor(ask["labels"]).long()
        images = torch.tensor(ask["images"], dtype=torch.float32).reshape(len(labels), 32, 32, 3).permute(0, 3, 1, 2)
        order = torch.channels_last if ask["channelsLast"] else torch.contiguous_format
        model, images = model.to(memory_format=order), images.contiguous(memory_format=order)
        times = []
        for _ in range(ask["runs"] + WARM_UP):
            started = time.perf_counter()
            model.zero_grad(set_to_none=True)
            loss = F.cross_entropy(model(images), labels, reduction="sum")
            loss.backward()
            times.append((time.perf_counter() - started) * 1000)
        gradient = torch.cat([from_torch(parameter.grad).reshape(-1) for parameter in model.in_order()])
        answer = {"loss": loss.item(), "gradient": gradient.tolist(), "milliseconds": times[WARM_UP:]}
        print(json.dumps({**answer, "version": torch.__version__}), flush=True)


if __name__ == "__main__":
    main()
