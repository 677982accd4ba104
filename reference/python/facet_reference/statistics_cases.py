"""Intervals, tests and calibration by SciPy, and Holm's adjustment by its definition."""

from itertools import combinations

import numpy as np
from scipy import special, stats

from .random_numbers import stream


def wilson() -> list[dict]:
    found = []
    for hits, samples in ((0, 1), (1, 1), (0, 20), (20, 20), (3, 7), (9_897, 10_000), (9_999, 10_000), (512, 1_000)):
        interval = stats.binomtest(hits, samples).proportion_ci(confidence_level=0.95, method="wilson")
        found.append(dict(hits=hits, samples=samples, low=float(interval.low), high=float(interval.high)))
    return found


def student() -> list[dict]:
    found = []
    for degrees in (1, 2, 4, 9, 29, 199):
        for t in (0.0, 0.01, 0.7, 2.0, 4.5, 40.0):
            p = float(2 * stats.t.sf(t, degrees))
            found.append(dict(degrees=degrees, t=t, p=p))
    return found


def quantiles() -> list[dict]:
    return [
        dict(degrees=degrees, p=p, t=float(stats.t.isf(p / 2, degrees)))
        for degrees in (1, 2, 4, 9, 29, 199)
        for p in (0.5, 0.1, 0.05, 0.001)
    ]


PAIRS = [
    ("five seeds", [0.912, 0.915, 0.909, 0.917, 0.911], [0.905, 0.913, 0.906, 0.908, 0.907]),
    ("two seeds", [0.81, 0.83], [0.80, 0.81]),
    ("no difference in the mean", [0.5, 0.6, 0.7], [0.6, 0.5, 0.7]),
    ("worse, ten seeds", [0.8 + 0.003 * (i % 4) for i in range(10)], [0.81 + 0.002 * (i % 3) for i in range(10)]),
]


def paired() -> list[dict]:
    found = []
    for name, arm, baseline in PAIRS:
        test = stats.ttest_rel(arm, baseline)
        interval = test.confidence_interval(0.95)
        found.append(
            dict(
                name=name, arm=arm, baseline=baseline, mean=float(np.mean(np.subtract(arm, baseline))),
                low=float(interval.low), high=float(interval.high), p=float(test.pvalue),
            )
        )
    return found


def holm(ps: list[float]) -> list[float]:
    """The closed testing procedure with Bonferroni's test for every intersection, which is what Holm's steps compute."""
    adjusted = []
    for i in range(len(ps)):
        others = [k for k in range(len(ps)) if k != i]
        intersections = [
            [i, *chosen] for size in range(len(ps)) for chosen in combinations(others, size)
        ]
        adjusted.append(max(min(1.0, len(s) * min(ps[k] for k in s)) for s in intersections))
    return adjusted


def holms() -> list[dict]:
    lists = ([0.01, 0.04, 0.03, 0.005], [0.5], [0.02, 0.02, 0.9, 0.3, 0.001, 0.02], [0.0, 1.0, 0.4])
    return [dict(ps=ps, adjusted=holm(ps)) for ps in lists]


def scores(name: str, samples: int, classes: int, number: int, sharpness: float) -> dict:
    draws = stream("simulation", 200, number)
    labels = np.array([draws.below(classes) for _ in range(samples)])
    logits = np.array([sharpness * draws.normal() for _ in range(samples * classes)]).reshape(samples, classes)
    # Right more often than by chance, and the last sample has two equal largest logits.
    logits[np.arange(samples), labels] += sharpness
    logits[-1, :2] = logits[-1].max() + 1
    logits = logits.astype(np.float32).astype(float)
    probabilities = special.softmax(logits, axis=1)
    answers = logits.argmax(1)
    confidence = probabilities.max(1)
    right = (answers == labels).astype(float)
    # (lower, upper] of equal widths, 15 of them.
    edges = np.linspace(0, 1, 16)
    bins = np.clip(np.digitize(confidence, edges, right=True) - 1, 0, 14)
    gaps = [abs(right[bins == b].sum() - confidence[bins == b].sum()) for b in range(15)]
    confusion = np.zeros((classes, classes), int)
    np.add.at(confusion, (labels, answers), 1)
    negative = -special.log_softmax(logits, axis=1)[np.arange(samples), labels]
    one_hot = np.eye(classes)[labels]
    return dict(
        name=name, classes=classes, labels=labels.tolist(), logits=logits.ravel().tolist(),
        accuracy=float(right.mean()), loss=float(negative.mean()),
        expectedCalibrationError=float(sum(gaps) / samples),
        brierScore=float(((probabilities - one_hot) ** 2).sum(1).mean()),
        binCounts=np.bincount(bins, minlength=15).tolist(), confusion=confusion.tolist(),
        perClass=(confusion.diagonal() / np.maximum(1, confusion.sum(1))).tolist(),
    )


def statistics_numbers() -> dict:
    return dict(
        numbers=dict(
            wilson=wilson(),
            student=student(),
            quantiles=quantiles(),
            paired=paired(),
            holm=holms(),
            scores=[
                scores("ten classes", 80, 10, 0, 1.5),
                scores("two classes, sure of themselves", 40, 2, 1, 8.0),
                scores("a class without samples", 6, 9, 2, 0.3),
            ],
        )
    )
