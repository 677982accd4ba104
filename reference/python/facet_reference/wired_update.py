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


class Flat(torch.nn.Module):
    """Every parameter in two vectors: what weight decay applies to, and the rest."""

    def __init__(self, initial: torch.Tensor, decays: torch.Tensor):
        super().__init__()
        self.decayed = torch.nn.Parameter(initial[decays].clone())
        self.free = torch.nn.Parameter(initial[~decays].clone())

    def join(self, decays: torch.Tensor, part=lambda parameter: parameter) -> np.ndarray:
        joined = torch.empty(decays.shape, dtype=self.decayed.dtype)
        joined[decays] = part(self.decayed).detach()
        joined[~decays] = part(self.free).detach()
        return joined.numpy().astype(np.float32)


def wired_update_numbers() -> dict:
    with safe_open(stored.FOLDER / "wired-run.safetensors", "pt") as file:
        run = {name: file.get_tensor(name) for name in file.keys()}
        metadata = file.metadata()
    config = json.loads(metadata["optimizer"])
    batch, total = json.loads(metadata["batch"]), int(metadata["steps"])
    decays = run["decays"] == 1

    # PyTorch's arithmetic in float64: what is compared is the formula, not how float32 rounds it.
    model = Flat(run["initial"].double(), decays)
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
        model.decayed.grad, model.free.grad = mean[decays], mean[~decays]
        norms.append(float(torch.nn.utils.clip_grad_norm_(model.parameters(), config["clipNorm"])))
        rates.append(float(schedule.get_last_lr()[0]))
        optimizer.step()
        schedule.step()
        averaged.update_parameters(model)
    if row != len(gradients):
        raise ValueError(f"{row} micro-batches make {total} steps, {len(gradients)} are stored")

    moment = lambda name: lambda parameter: optimizer.state[parameter][name]
    return {
        "numbers": {"norms": norms, "rates": rates},
        "tensors": {
            "weights": model.join(decays),
            "m": model.join(decays, moment("exp_avg")),
            "v": model.join(decays, moment("exp_avg_sq")),
            "ema": averaged.module.join(decays),
        },
    }
