"""Learning rate schedules, put together from those of torch.optim.lr_scheduler."""

import math

import torch
from torch.optim import lr_scheduler

DIV_FACTOR = 25.0


def schedule_of(config: dict, optimizer: torch.optim.Optimizer, steps: int):
    """
    `optimizer` has the peak as its rate. Before each update its rate is that update's; after it the schedule makes a step.
    """
    peak, final, name = config["peakLearningRate"], config["finalShare"], config["schedule"]
    if name == "one-cycle":
        # The scheduler refuses to step beyond its end.
        return UntilEnd(
            lr_scheduler.OneCycleLR(
                optimizer,
                max_lr=peak,
                total_steps=steps,
                pct_start=float(config["warmupShare"]),
                anneal_strategy="cos",
                cycle_momentum=False,
                div_factor=DIV_FACTOR,
                final_div_factor=1 / (DIV_FACTOR * final),
                three_phase=False,
            ),
            steps,
        )
    warmup = max(1, halves_up(config["warmupShare"] * steps))
    rising = lr_scheduler.LinearLR(optimizer, start_factor=1 / warmup, total_iters=warmup - 1)
    if name == "step":
        milestones = [halves_up(share * steps) for share in config["scheduleSteps"]]
        falling = lr_scheduler.MultiStepLR(optimizer, milestones, gamma=config["scheduleFactor"])
        return lr_scheduler.ChainedScheduler([rising, falling], optimizer)
    left = max(1, steps - warmup)
    after = {
        "cosine": lambda: lr_scheduler.CosineAnnealingLR(optimizer, left, eta_min=peak * final),
        "linear": lambda: lr_scheduler.LinearLR(optimizer, start_factor=1, end_factor=final, total_iters=left),
        "constant": lambda: lr_scheduler.ConstantLR(optimizer, factor=1),
    }[name]()
    return lr_scheduler.SequentialLR(optimizer, [rising, after], milestones=[warmup - 1])


class UntilEnd:
    def __init__(self, schedule, steps: int):
        self.schedule, self.left = schedule, steps - 1

    def step(self) -> None:
        if self.left > 0:
            self.schedule.step()
        self.left -= 1


def halves_up(value: float) -> int:
    return math.floor(value + 0.5)
