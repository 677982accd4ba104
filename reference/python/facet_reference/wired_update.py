"""The state that PyTorch comes to with the gradients of a real run (numbers/wired-run.safetensors, recorded by
packages/worker/src/train/wired-update.test.ts): AdamW with decoupled decay, clip_grad_norm_, a linear warm-up joined to a
cosine, and an averaged model."""

import json

import numpy as np
import torch
from safetensors import safe_open

from . import stored


def ema_decay(limit: float, step: int) -> float:
    """The warm-up of tf.train.ExponentialMovingAverage with num_updates."""
    return min(limit, (1 + step) / (10 + step))


# Elements of the parameters that `stem.*` and `block0.*.weight` name in that run; the test compares them with its layout.
FROZEN = [(0, 200), (808, 811), (828, 1020), (1044, 1108), (1132, 1260), (1276, 1404)]


class Flat(torch.nn.Module):
    """Every parameter in three vectors: what weight decay applies to, the rest, and what is not trained."""

    def __init__(self, initial: torch.Tensor, decays: torch.Tensor, frozen: torch.Tensor):
        super().__init__()
        self.places = {"decayed": decays & ~frozen, "free": ~decays & ~frozen, "still": frozen}
        for name, at in self.places.items():
            self.register_parameter(name, torch.nn.Parameter(initial[at].clone()))
        self.still.requires_grad_(False)

    def join(self, part=lambda parameter: parameter) -> np.ndarray:
        joined = torch.empty(self.places["still"].shape, dtype=self.decayed.dtype)
        for name, at in self.places.items():
            joined[at] = part(getattr(self, name)).detach()
        return joined.numpy().astype(np.float32)

    def set_gradient(self, gradient: torch.Tensor) -> None:
        # As autograd leaves it: a parameter that requires no gradient has none.
        self.decayed.grad, self.free.grad = gradient[self.places["decayed"]], gradient[self.places["free"]]


def wired_frozen_numbers() -> dict:
    return wired_update_numbers(FROZEN)


def wired_update_numbers(frozen_ranges=()) -> dict:
    with safe_open(stored.FOLDER / "wired-run.safetensors", "pt") as file:
        run = {name: file.get_tensor(name) for name in file.keys()}
        metadata = file.metadata()
    config = json.loads(metadata["optimizer"])
    batch, total = json.loads(metadata["batch"]), int(metadata["steps"])
    decays = run["decays"] == 1

    # PyTorch's arithmetic in float64: what is compared is the formula, not how float32 rounds it.
    frozen = torch.zeros_like(decays)
    for start, end in frozen_ranges:
        frozen[start:end] = True
    model = Flat(run["initial"].double(), decays, frozen)
    optimizer = torch.optim.AdamW(
        [
            {"params": [model.decayed], "weight_decay": config["weightDecay"]},
            {"params": [model.free], "weight_decay": 0.0},
        ],
        lr=config["peakLearningRate"],
        betas=(config["beta1"], config["beta2"]),
        eps=config["epsilon"],
    )
    warmup = max(1, round(config["warmupShare"] * total))
    peak = config["peakLearningRate"]
    schedule = torch.optim.lr_scheduler.SequentialLR(
        optimizer,
        [
            torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=1 / warmup, total_iters=warmup - 1),
            torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, total - warmup, peak * config["finalShare"]),
        ],
        [warmup - 1],
    )
    step = 0
    averaged = torch.optim.swa_utils.AveragedModel(
        model, avg_fn=lambda average, new, _: torch.lerp(new, average, ema_decay(config["emaDecay"], step))
    )
    # The average begins as the initial weights; a new AveragedModel would begin as the first update.
    averaged.n_averaged += 1

    gradients, accounting = run["gradients"].double(), run["accounting"].double()
    norms, rates, row = [], [], 0
    for step in range(1, total + 1):
        # A step ends where its micro-batches are smaller or so many that the global batch is full.
        total_gradient, samples = torch.zeros_like(gradients[0]), 0
        while row < len(gradients) and samples < batch["global"]:
            total_gradient += gradients[row]
            samples += int(accounting[row, 2])
            row += 1
            if int(accounting[row - 1, 2]) < batch["micro"]:
                break
        mean = total_gradient / samples
        model.set_gradient(mean)
        norms.append(float(torch.nn.utils.clip_grad_norm_(model.parameters(), config["clipNorm"])))
        rates.append(float(schedule.get_last_lr()[0]))
        optimizer.step()
        schedule.step()
        averaged.update_parameters(model)
    if row != len(gradients):
        raise ValueError(f"{row} micro-batches make {total} steps, {len(gradients)} are stored")

    moment = lambda name: lambda parameter: optimizer.state[parameter].get(name, torch.zeros_like(parameter))
    return {
        "numbers": {"norms": norms, "rates": rates, **({"frozen": frozen_ranges} if frozen_ranges else {})},
        "tensors": {
            "weights": model.join(),
            "m": model.join(moment("exp_avg")),
            "v": model.join(moment("exp_avg_sq")),
            "ema": averaged.module.join(),
        },
    }
