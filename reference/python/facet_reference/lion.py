"""Lion, written from algorithm 2 of Chen et al. 2023 ("Symbolic Discovery of Optimization Algorithms")."""

import torch


class Lion(torch.optim.Optimizer):
    def __init__(self, groups, rate: float, betas: tuple[float, float]):
        super().__init__(groups, dict(lr=rate, betas=betas, weight_decay=0.0))

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for theta in group["params"]:
                state = self.state[theta]
                if "exp_avg" not in state:
                    state["exp_avg"] = torch.zeros_like(theta)
                m, g = state["exp_avg"], theta.grad
                c = beta1 * m + (1 - beta1) * g
                theta -= group["lr"] * (torch.sign(c) + group["weight_decay"] * theta)
                state["exp_avg"] = beta2 * m + (1 - beta2) * g
