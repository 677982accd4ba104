"""Losses of tasks by name: values of each sample, and gradients of their sum, by PyTorch."""

import torch
import torch.nn.functional as functional

LOGITS = [[2.0, -1.0, 0.5], [0.0, 30.0, -30.0], [-0.25, 0.75, 0.125], [1.5, 1.5, -4.0]]
LABELS = [0, 2, 1, 0]
DISTRIBUTIONS = [[0.5, 0.25, 0.25], [0.0, 1.0, 0.0], [0.125, 0.5, 0.375], [1.0, 0.0, 0.0]]
SEQUENCE = [[LOGITS[0], LOGITS[1]], [LOGITS[2], LOGITS[3]]]
PLACES = [[0, 2], [1, 0]]
ANSWERS = [[0.5, -2.0], [3.0, 0.0], [-0.75, 40.0], [1.0, -90.0]]
TARGETS = [[0.0, 1.0], [0.25, 0.5], [1.0, 1.0], [1.0, 0.0]]


def cross_entropy(logits, target, smoothing):
    classes = logits.shape[-1]
    flat = target.reshape(-1, classes) if target.is_floating_point() else target.reshape(-1)
    losses = functional.cross_entropy(logits.reshape(-1, classes), flat, reduction="none", label_smoothing=smoothing)
    return losses.reshape(logits.shape[0], -1).mean(1)


def case(name, loss, answer, target, of, smoothing=0.0):
    prediction = torch.tensor(answer, dtype=torch.float64, requires_grad=True)
    is_index = not isinstance(torch.tensor(target).flatten()[0].item(), float)
    wanted = torch.tensor(target, dtype=torch.int64 if is_index else torch.float64)
    losses = of(prediction, wanted)
    losses.sum().backward()
    return {
        "name": name,
        "loss": loss,
        "answer": answer,
        "target": target,
        "labelSmoothing": smoothing,
        "isIndex": is_index,
        "losses": losses.tolist(),
        "gradient": prediction.grad.flatten().tolist(),
    }


def mean_of(of):
    return lambda prediction, target: of(prediction, target, reduction="none").mean(1)


def loss_numbers():
    cases = [
        case(f"{kind}, smoothing {smoothing}", "crossEntropy", answer, target,
             lambda z, t, s=smoothing: cross_entropy(z, t, s), smoothing)
        for kind, answer, target in [
            ("index", LOGITS, LABELS),
            ("distribution", LOGITS, DISTRIBUTIONS),
            ("sequence", SEQUENCE, PLACES),
        ]
        for smoothing in (0.0, 0.1)
    ]
    for name, of in [
        ("binaryCrossEntropy", functional.binary_cross_entropy_with_logits),
        ("meanSquaredError", functional.mse_loss),
        ("meanAbsoluteError", functional.l1_loss),
        ("huber", functional.huber_loss),
    ]:
        cases.append(case(name, name, ANSWERS, TARGETS, mean_of(of)))
    return {"numbers": {"cases": cases}}
