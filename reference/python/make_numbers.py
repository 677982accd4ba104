"""Makes the numbers in reference/numbers, or compares them with what is stored.

    python reference/python/make_numbers.py            writes every set
    python reference/python/make_numbers.py --check    compares every set, exit code 1 if one differs
    python reference/python/make_numbers.py model      writes this set alone
"""

import importlib.metadata
import sys

import torch

from facet_reference import (
    array_cases,
    attack_cases,
    attention_cases,
    augmentation_cases,
    file_cases,
    layer_cases,
    loss_cases,
    model_cases,
    optimizer_cases,
    random_cases,
    rounding_cases,
    statistics_cases,
    stored,
    table_cases,
    wired_update,
)

SETS = {
    "random": random_cases.random_numbers,
    "model": model_cases.model_numbers,
    "layout": model_cases.layout_numbers,
    "augmentation": augmentation_cases.augmentation_numbers,
    "attack": attack_cases.attack_numbers,
    "attention": attention_cases.attention_numbers,
    "files": file_cases.file_numbers,
    "arrays": array_cases.array_numbers,
    "tables": table_cases.table_numbers,
    "losses": loss_cases.loss_numbers,
    "layers": layer_cases.layer_numbers,
    "optimizer": optimizer_cases.optimizer_numbers,
    "wired-update": wired_update.wired_update_numbers,
    "wired-frozen": wired_update.wired_frozen_numbers,
    "rounding": rounding_cases.rounding_numbers,
    "statistics": statistics_cases.statistics_numbers,
}


def main(arguments: list[str]) -> int:
    torch.set_num_threads(1)
    is_check = "--check" in arguments
    names = [argument for argument in arguments if argument != "--check"] or list(SETS)
    failed = 0
    for name in names:
        content = SETS[name]()
        if not is_check:
            stored.write(name, content)
            print(f"{name}: written")
            continue
        try:
            stored.compare(name, content)
            print(f"{name}: as stored")
        except stored.Mismatch as mismatch:
            print(f"{name}: {mismatch}")
            failed += 1
    versions = ", ".join(f"{p} {importlib.metadata.version(p)}" for p in ("torch", "numpy", "scipy", "safetensors"))
    print(f"with {versions}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
