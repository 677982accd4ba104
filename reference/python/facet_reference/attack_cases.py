"""Attacks on one tiny model with every view: gradients by the pixels, FGSM, PGD in both balls, adversarial training."""

import numpy as np
import torch

from .attacks import Victim, adversarial, attack
from .model import Model
from .model_cases import BASE, CLASSES, GREY, uniforms, weights_of
from .parameters import parameters

NUMBER = 500
SAMPLES = 6
MODEL = {**BASE, "views": ["identity", "zoom-in", "rotation", "shift"], "relativeBias": True}
IDS = [4, 70_000, 9, 1, 30, 2]

FGSM = dict(norm="linf", eps=0.02, loss="cross-entropy", steps=1, stepSize=0.02, restarts=1, start="clean")
PLANS = [
    ("FGSM", FGSM),
    ("FGSM in the L2 ball", dict(FGSM, norm="l2", eps=0.3, stepSize=0.3)),
    ("PGD", dict(FGSM, steps=4, stepSize=0.01, start="random")),
    ("PGD in the L2 ball", dict(FGSM, norm="l2", eps=0.2, steps=4, stepSize=0.1, start="random")),
    ("PGD, margin, restarts", dict(FGSM, eps=0.03, loss="margin", steps=3, stepSize=0.02, restarts=3, start="random")),
    ("PGD, margin, L2", dict(FGSM, norm="l2", eps=0.25, loss="margin", steps=3, stepSize=0.2, restarts=2)),
    ("PGD that meets the walls", dict(FGSM, eps=0.6, steps=2, stepSize=0.5, start="random")),
]
RECIPES = [
    ("every sample", dict(norm="linf", eps=0.1, steps=3, stepSize=0.05, share=1)),
    ("half of the samples, default step", dict(norm="linf", eps=0.1, steps=2, stepSize=0, share=0.5)),
    ("the L2 ball", dict(norm="l2", eps=0.5, steps=3, stepSize=0.3, share=0.8)),
]


def attack_numbers() -> dict:
    layout = parameters(GREY, CLASSES, MODEL)
    weights = weights_of(layout, NUMBER)
    victim = Victim(Model(GREY, CLASSES, MODEL, layout, torch.tensor(weights, dtype=torch.float64)))
    images = uniforms(SAMPLES * 64, NUMBER, 1).astype(np.float32).reshape(SAMPLES, 64)
    # A label that the model gives, but for the last sample, which is misread from the start.
    labels = victim.logits(images).argmax(1)
    labels[-1] = (labels[-1] + 1) % CLASSES
    labels = labels.tolist()
    tensors, gradients, plans, recipes = {}, [], [], []
    for loss in ("cross-entropy", "margin"):
        logits, losses, gradient = victim.gradient(images, labels, loss)
        gradients.append(dict(name=loss, logits=logits.ravel().tolist(), losses=losses.tolist()))
        tensors[loss] = gradient.astype(np.float32).ravel()
    for name, plan in PLANS:
        best, margins, broken = attack(victim, images, labels, IDS, plan, seed=11)
        plans.append(dict(name=name, plan=plan, margins=margins.tolist(), broken=broken.tolist()))
        tensors[name] = best.ravel()
    for name, recipe in RECIPES:
        moved, taken = adversarial(victim, images, labels, IDS, recipe, seed=12, epoch=4)
        recipes.append(dict(name=name, recipe=recipe, gradients=taken))
        tensors[name] = moved.ravel()
    return dict(
        numbers=dict(
            number=NUMBER, image=GREY, classes=CLASSES, model=MODEL, ids=IDS, labels=labels, gradients=gradients,
            plans=plans, recipes=recipes,
        ),
        tensors=tensors,
    )
