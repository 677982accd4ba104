"""Attacks on a model by the gradient of its pixels (docs/training.md, docs/robustness.md). Images are float32."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from .random_numbers import RandomStream, random_key


class Victim:
    """A model and the gradient of each sample's own loss by its pixels."""

    def __init__(self, model):
        self.model = model

    def logits(self, images: np.ndarray) -> np.ndarray:
        return self.model.forward(torch.tensor(images, dtype=torch.float64))[0].detach().numpy()

    def gradient(self, images: np.ndarray, labels: list[int], loss: str):
        """Logits, losses and gradients."""
        pixels = torch.tensor(images, dtype=torch.float64, requires_grad=True)
        logits = self.model.forward(pixels)[0]
        truth = torch.tensor(labels)
        if loss == "margin":
            others = logits.scatter(1, truth[:, None], -math.inf)
            losses = others.max(1).values - logits.gather(1, truth[:, None])[:, 0]
        else:
            losses = F.cross_entropy(logits, truth, reduction="none")
        (gradient,) = torch.autograd.grad(losses.sum(), pixels)
        return logits.detach().numpy(), losses.detach().numpy(), gradient.numpy()


def project(x: np.ndarray, origin: np.ndarray, norm: str, eps: float) -> np.ndarray:
    moved = x.astype(float) - origin
    if norm == "linf":
        moved = moved.clip(-eps, eps)
    else:
        length = np.linalg.norm(moved)
        if length > eps:
            moved = moved * eps / length
    return (origin + moved).clip(0, 1).astype(np.float32)


def random_start(origin: np.ndarray, norm: str, eps: float, draws: RandomStream) -> np.ndarray:
    if norm == "linf":
        moved = np.array([eps * (2 * draws.uniform() - 1) for _ in origin])
    else:
        direction = np.array([draws.normal() for _ in origin])
        moved = eps * draws.uniform() ** (1 / len(origin)) * direction / np.linalg.norm(direction)
    return project((origin + moved).astype(np.float32), origin, norm, eps)


def stepped(x: np.ndarray, gradient: np.ndarray, norm: str, size: float) -> np.ndarray:
    if norm == "linf":
        return (x + size * np.sign(gradient)).astype(np.float32)
    length = np.linalg.norm(gradient)
    return x if length == 0 else (x + size * gradient / length).astype(np.float32)


def margins_of(logits: np.ndarray, labels: list[int]) -> np.ndarray:
    rows = np.arange(len(labels))
    others = logits.copy()
    others[rows, labels] = -np.inf
    return others.max(1) - logits[rows, labels]


def attack(victim: Victim, images: np.ndarray, labels: list[int], ids: list[int], plan: dict, seed: int):
    """The image with the largest margin of every sample, these margins, and who is broken."""
    best, best_margins = images.copy(), margins_of(victim.logits(images), labels)
    broken = victim.logits(images).argmax(1) != labels
    for restart in range(plan["restarts"]):
        climbing = [i for i in range(len(labels)) if not broken[i]]
        x = images.copy()
        for i in climbing:
            if plan["start"] == "random" or restart > 0:
                draws = RandomStream(random_key("attack", seed, ids[i], restart))
                x[i] = random_start(images[i], plan["norm"], plan["eps"], draws)
        for step in range(plan["steps"] + 1):
            if not climbing:
                break
            logits, _, gradient = victim.gradient(x, labels, plan["loss"])
            margins = margins_of(logits, labels)
            for i in climbing:
                if margins[i] > best_margins[i]:
                    best[i], best_margins[i] = x[i], margins[i]
                broken[i] = broken[i] or logits[i].argmax() != labels[i]
            climbing = [i for i in climbing if not broken[i]]
            if step == plan["steps"]:
                break
            for i in climbing:
                there = stepped(x[i], gradient[i], plan["norm"], plan["stepSize"])
                x[i] = project(there, images[i], plan["norm"], plan["eps"])
    return best, best_margins, broken


def adversarial(victim: Victim, images: np.ndarray, labels: list[int], ids: list[int], recipe: dict, seed, epoch):
    """The images that a run trains on."""
    x = images.copy()
    attacked = []
    for i, id in enumerate(ids):
        draws = RandomStream(random_key("adversarial", seed, epoch, id))
        if draws.uniform() < recipe["share"]:
            attacked.append(i)
            x[i] = random_start(images[i], recipe["norm"], recipe["eps"], draws)
    size = recipe["stepSize"] or 2.5 * recipe["eps"] / recipe["steps"]
    for _ in range(recipe["steps"]):
        _, _, gradient = victim.gradient(x, labels, "cross-entropy")
        for i in attacked:
            x[i] = project(stepped(x[i], gradient[i], recipe["norm"], size), images[i], recipe["norm"], recipe["eps"])
    return x, len(attacked) * recipe["steps"]
