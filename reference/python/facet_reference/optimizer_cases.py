"""Twenty updates by PyTorch's optimizers, clip_grad_norm_, schedulers and averaged model. PyTorch has no Lion; lion.py has."""

import numpy as np
import torch

from .lion import Lion
from .random_numbers import stream
from .schedules import schedule_of

SHAPES = [("block0.mlp.in.weight", 12, True), ("block0.mlp.in.bias", 4, False), ("head.weight", 9, True)]
STEPS = 20
BASE = dict(
    peakLearningRate=0.01, warmupShare=0.2, finalShare=0.05, beta1=0.9, beta2=0.99, epsilon=1e-8, weightDecay=0.1,
    clipNorm=1.0, labelSmoothing=0.0, emaDecay=0.9,
    name="adamw", momentum=0.9, nesterov=False, schedule="cosine", scheduleSteps=[0.5, 0.75], scheduleFactor=0.1,
)
CASES = [
    ("clipped", {}),
    ("never clipped", dict(clipNorm=0)),
    ("clipped in some steps", dict(clipNorm=4.5)),
    ("no warm-up, no end", dict(warmupShare=0, finalShare=1)),
    ("all warm-up", dict(warmupShare=1)),
    ("a large epsilon, no decay", dict(epsilon=0.05, weightDecay=0, emaDecay=0.5)),
    ("other betas", dict(beta1=0.5, beta2=0.9, peakLearningRate=0.3)),
    ("Adam", dict(name="adam", clipNorm=4.5)),
    ("Adam, much decay, linear", dict(name="adam", weightDecay=3.0, beta2=0.9, epsilon=0.05, schedule="linear")),
    ("SGD", dict(name="sgd", peakLearningRate=0.1, clipNorm=4.5)),
    ("SGD, Nesterov, steps", dict(name="sgd", peakLearningRate=0.1, nesterov=True, weightDecay=0.5, schedule="step")),
    ("SGD, no momentum, one cycle", dict(name="sgd", momentum=0.0, peakLearningRate=0.5, schedule="one-cycle")),
    ("SGD, never clipped, constant", dict(name="sgd", momentum=0.5, clipNorm=0, schedule="constant")),
    ("Lion", dict(name="lion", clipNorm=4.5)),
    ("Lion, much decay, other betas", dict(name="lion", weightDecay=3.0, beta1=0.95, beta2=0.8, schedule="one-cycle")),
]
# Each with a length: the share of the warm-up, and the length itself, decide where the parts of a schedule meet.
SCHEDULES = [
    ("constant", 20, {}),
    ("constant", 7, dict(warmupShare=0)),
    ("cosine", 33, dict(warmupShare=0.3, finalShare=0)),
    ("linear", 20, {}),
    ("linear", 33, dict(warmupShare=0.25, finalShare=0)),
    ("linear", 11, dict(warmupShare=0, finalShare=0.5)),
    ("step", 20, {}),
    ("step", 33, dict(warmupShare=0, scheduleSteps=[0.1, 0.45, 0.5, 0.98], scheduleFactor=0.3)),
    ("step", 40, dict(warmupShare=0.5, scheduleSteps=[0.25, 0.6], scheduleFactor=0.5)),
    ("one-cycle", 20, {}),
    ("one-cycle", 33, dict(warmupShare=0.3, finalShare=4e-6)),
    ("one-cycle", 20, dict(warmupShare=0, finalShare=0.5)),
    ("one-cycle", 20, dict(warmupShare=1, finalShare=0.5)),
    ("one-cycle", 7, dict(warmupShare=0.1, finalShare=0.1)),
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
    return dict(numbers=dict(cases=cases, schedules=[rates_of(*schedule) for schedule in SCHEDULES]))


def rates_of(name: str, steps: int, changes: dict) -> dict:
    config = {**BASE, "schedule": name, **changes}
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=config["peakLearningRate"])
    schedule = schedule_of(config, optimizer, steps)
    rates = []
    for _ in range(steps):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        schedule.step()
    told = ", ".join(f"{key} {value}" for key, value in changes.items())
    return dict(name=f"{name}, {steps} steps" + (told and f", {told}"), config=config, steps=steps, rates=rates)


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
    optimizer = optimizer_of(config, groups)
    schedule = schedule_of(config, optimizer, STEPS)
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
                    m=flat(buffer_of(optimizer, p, "exp_avg", "momentum_buffer") for p in model),
                    v=flat(buffer_of(optimizer, p, "exp_avg_sq") for p in model),
                    ema=flat(average.module),
                )
            )
    return dict(norms=norms, rates=rates, states=states)


def optimizer_of(config: dict, groups: list[dict]) -> torch.optim.Optimizer:
    rate, betas = config["peakLearningRate"], (config["beta1"], config["beta2"])
    if config["name"] == "adamw":
        return torch.optim.AdamW(groups, lr=rate, betas=betas, eps=config["epsilon"])
    if config["name"] == "adam":
        return torch.optim.Adam(groups, lr=rate, betas=betas, eps=config["epsilon"])
    if config["name"] == "sgd":
        return torch.optim.SGD(groups, lr=rate, momentum=config["momentum"], nesterov=config["nesterov"])
    return Lion(groups, rate, betas)


def buffer_of(optimizer: torch.optim.Optimizer, parameter: torch.Tensor, *names: str) -> torch.Tensor:
    """The optimizer's buffer of one of these names; zeros if it has none."""
    found = [optimizer.state[parameter][name] for name in names if optimizer.state[parameter].get(name) is not None]
    return found[0] if found else torch.zeros_like(parameter)


def flat(tensors) -> list[float]:
    return torch.cat([t.detach().flatten() for t in tensors]).tolist()
