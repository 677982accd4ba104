"""A table as Python's csv module writes it, and text as nanoGPT prepares it: sorted characters, and windows one apart."""

import csv
import io

import numpy as np

KINDS = ['plain', 'a, b', 'say "no"', "two\nlines", "grün", " spaces "]
TEXT = "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich.\n日本語、🙂 and 😀!\tEnd"
WINDOW = 7


def table_numbers() -> dict:
    generator = np.random.default_rng(11)
    rows = [
        [repr(float(generator.standard_normal() * 10.0 ** generator.integers(-30, 30))), KINDS[i % len(KINDS)], i - 4]
        for i in range(24)
    ]
    tables = {}
    for name, dialect in [("excel", csv.excel), ("unix", csv.unix_dialect), ("tab", csv.excel_tab)]:
        target = io.StringIO()
        writer = csv.writer(target, dialect)
        writer.writerow(["x", "kind", "i"])
        writer.writerows(rows)
        tables[name] = target.getvalue()
    # As Python reads them again; a cell is stripped of the spaces around it.
    read = list(csv.DictReader(io.StringIO(tables["excel"])))
    kinds = [row["kind"].strip() for row in read]
    features = np.array([[np.float32(float(row["x"])), np.float32(float(row["i"]))] for row in read])
    classes = sorted(set(kinds))

    chars = sorted(set(TEXT))
    data = np.array([chars.index(c) for c in TEXT])
    starts = range(0, len(data) - WINDOW, WINDOW)
    return dict(
        numbers=dict(
            tables=tables,
            classes=classes,
            labels=[classes.index(kind) for kind in kinds],
            features=features.ravel().tolist(),
            text=TEXT,
            window=WINDOW,
            chars=chars,
            tokens=[data[i : i + WINDOW].tolist() for i in starts],
            next=[data[i + 1 : i + 1 + WINDOW].tolist() for i in starts],
        )
    )
