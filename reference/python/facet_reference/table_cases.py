"""Which samples are of the test split; a table as Python's csv module writes it, and text as nanoGPT prepares it: sorted characters, and windows one apart."""

import csv
import hashlib
import io

import numpy as np

KINDS = ['plain', 'a, b', 'say "no"', "two\nlines", "grün", " spaces "]
TEXT = "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich.\n日本語、🙂 and 😀!\tEnd"
WINDOW = 7
NAMES = [str(row) for row in range(40)] + [f"{kind}/{i}.png" for kind in ("cat", "grüner Hund") for i in range(20)]


def is_of_test(name: str, share: float) -> bool:
    """The first 32 bits of the name's SHA-256, as a share of all values they may have."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") / 2**32 < share


def power_of_ten(exponent: int) -> float:
    """The nearest double. NumPy's own powers differ in the last bit between processors."""
    return float(f"1e{exponent}")


def table_numbers() -> dict:
    generator = np.random.default_rng(11)
    rows = [
        [repr(float(generator.standard_normal()) * power_of_ten(generator.integers(-30, 30))), KINDS[i % len(KINDS)], i - 4]
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
            shares={str(share): [is_of_test(name, share) for name in NAMES] for share in (0, 0.1, 0.5, 0.9)},
            names=NAMES,
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
