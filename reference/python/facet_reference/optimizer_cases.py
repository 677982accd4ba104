"""Twenty updates by PyTorch's AdamW, clip_grad_norm_, schedulers and averaged model."""

import numpy as np
import torch

from .random_numbers import stream

SHAPES = [("block0.mlp.in.weight", 12, True), ("block0.mlp.in.bias", 4, False), ("head.weight", 9, True)]
STEPS = 20
BASE = dict(
    peakLearningRate=0.01, warmupShare=0.2, finalShare=0.05, beta1=0.9, beta2=0.99, epsilon=1e-8, weightDecay=0.1,
    clipNorm=1.0, labelSmoothing=0.0, emaDecay=0.9,
)
CASES = [
    ("clipped", {}),
    ("never clipped", dict(clipNorm=0)),
    ("clipped in some steps", dict(clipNorm=4.5)),
    ("no warm-up, no end", dict(warmupShare=0, finalShare=1)),
    ("all warm-up", dict(warmupShare=1)),
    ("a large epsilon, no decay", dict(epsilon=0.05, weightDecay=0, emaDecay=0.5)),
    ("other betas", dict(beta1=0.5, beta2=0.9, peakLearningRate=0.3)),
]


def gradient_of(step: int, count: int) -> np.ndarray:
    """The sum over the samples of a step: 24 of them, 7 in every fifth."""
    draws = stream("simulation", 300, step)
    size = 8.0 if step % 4 == 0 else 2.0
    return np.array([(2 * draws.uniform() - 1) * size for _ in range(count)], np.float32) * np.float32(samples_of(step))


def samples_of(step: int) -> int:
    return 7 if step % 5 == 0 else 24


def optimizer_numbers() -> dict:
    count = sum(size for _, size, _ in SHAPES)
    draws = stream("simulation", 300, 0)
    initial = np.array([2 * draws.uniform() - 1 for _ in range(count)], np.float32)
    cases = []
    for name, changes in CASES:
        config = {**BASE, **changes}
        cases.append(dict(name=name, config=config, steps=STEPS, slots=SHAPES, **updated(config, initial)))
    return dict(numbers=dict(cases=cases))


def updated(config: dict, initial: np.ndarray) -> dict:
    model = torch.nn.ParameterList()
    at = 0
    for _, size, _ in SHAPES:
        model.append(torch.nn.Parameter(torch.tensor(initial[at : at + size], dtype=torch.float64)))
        at += size
    groups = [
        dict(params=[parameter], weight_decay=config["weightDecay"] if decays else 0.0)
        for parameter, (_, _, decays) in zip(model, SHAPES)
    ]
    peak = config["peakLearningRate"]
    optimizer = torch.optim.AdamW(groups, lr=peak, betas=(config["beta1"], config["beta2"]), eps=config["epsilon"])
    warmup = max(1, round(config["warmupShare"] * STEPS))
    schedulers = torch.optim.lr_scheduler
    schedule = schedulers.SequentialLR(
        optimizer,
        [
            schedulers.LinearLR(optimizer, start_factor=1 / warmup, total_iters=warmup - 1),
            schedulers.CosineAnnealingLR(optimizer, max(1, STEPS - warmup), eta_min=peak * config["finalShare"]),
        ],
        milestones=[warmup - 1],
    )
    average = torch.optim.swa_utils.AveragedModel(
        model,
        avg_fn=lambda old, new, t: old + (1 - min(config["emaDecay"], (1 + t) / (10 + t))) * (new - old),
    )
    average.update_parameters(model)  # the first call copies; the next one is told t = 1
    norms, rates, states = [], [], []
    for step in range(1, STEPS + 1):
        mean = torch.tensor(gradient_of(step, len(initial)), dtype=torch.float64) / samples_of(step)
        at = 0
        for parameter in model:
            parameter.grad = mean[at : at + parameter.numel()].clone()
            at += parameter.numel()
        limit = config["clipNorm"] or float("inf")
        norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), limit).item())
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
        average.update_parameters(model)
        if step in (1, 7, STEPS):
            states.append(
                dict(
                    step=step,
                    weights=flat(model),
                    m=flat(optimizer.state[p]["exp_avg"] for p in model),
                    v=flat(optimizer.state[p]["exp_avg_sq"] for p in model),
                    ema=flat(average.module),
                )
            )
    return dict(norms=norms, rates=rates, states=states)


def flat(tensors) -> list[float]:
    return torch.cat([t.detach().flatten() for t in tensors]).tolist()
