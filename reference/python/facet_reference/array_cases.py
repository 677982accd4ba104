"""NumPy's own files: every type that Facet reads, in both orders, plain and in archives, and some that it refuses."""

import numpy as np

from . import stored

FOLDER = stored.FOLDER / "arrays"
SHAPE = (5, 2, 3)
WHOLE = {"u1": (0, 255), "i1": (-128, 127), "u2": (0, 65_535), "i2": (-32_768, 32_767)}
# Wider whole numbers, as far as they fit into 32 bits with a sign.
WIDE = {"u4": (0, 2**31 - 1), "i4": (-(2**31), 2**31 - 1), "u8": (0, 2**31 - 1), "i8": (-(2**31), 2**31 - 1)}


def drawn() -> dict[str, np.ndarray]:
    """An array of every type, with its least and its greatest number."""
    generator = np.random.default_rng(7)
    found = {"b1": generator.integers(0, 2, SHAPE).astype("b1")}
    for name, (least, most) in {**WHOLE, **WIDE}.items():
        values = generator.integers(least, most, SHAPE, endpoint=True, dtype="i8")
        values.flat[:2] = least, most
        found[name] = values.astype(name)
    for name in ("f4", "f8"):
        values = generator.standard_normal(SHAPE)
        values.flat[:3] = 0, 1e-40, -3e38
        found[name] = values.astype(name)
    return found


def becomes(array: np.ndarray) -> np.ndarray:
    if array.dtype.kind == "f":
        return array.astype(np.float32)
    return array.astype(np.uint8 if array.dtype.str[1:] in ("u1", "b1") else np.int32)


def array_numbers() -> dict:
    arrays = drawn()
    files = {}
    for name, array in arrays.items():
        files[f"{name}.npy"] = array
        files[f"{name}-fortran.npy"] = np.asfortranarray(array)
    files["big-endian-i4.npy"] = arrays["i4"].astype(">i4")
    files["big-endian-f8.npy"] = arrays["f8"].astype(">f8")
    files["flat-i8.npy"] = arrays["i8"].ravel()
    refused = {
        "objects.npy": np.array([{"a": 1}, None], dtype=object),
        "structured.npy": np.array([(1, 2.0)], dtype=[("a", "<i4"), ("b", "<f8")]),
        "halves.npy": np.zeros(3, "f2"),
        "texts.npy": np.array(["a", "b"]),
        "single.npy": np.array(3.0),
        "wide-u4.npy": np.array([0, 2**31], "u4"),
        "wide-i8.npy": np.array([1, 2, -(2**31) - 1], "i8"),
        "wide-u8.npy": np.array([2**63], "u8"),
        "large-f8.npy": np.array([1.0, 1e39], "f8"),
    }
    archive = {name: arrays[name] for name in ("u1", "i8", "f8")} | {"turned": np.asfortranarray(arrays["f4"])}

    def write() -> None:
        FOLDER.mkdir(exist_ok=True)
        for name, array in {**files, **refused}.items():
            np.save(FOLDER / name, array)
        np.savez(FOLDER / "stored.npz", **archive)
        np.savez_compressed(FOLDER / "deflated.npz", **archive)

    def compare() -> None:
        for name, array in {**files, **refused}.items():
            compare_arrays(name, np.load(FOLDER / name, allow_pickle=name == "objects.npy"), array)
        for name in ("stored.npz", "deflated.npz"):
            with np.load(FOLDER / name) as found:
                for key, array in archive.items():
                    compare_arrays(f"{name}: {key}", found[key], array)

    expected = {**files, **{f"npz {key}": array for key, array in archive.items()}}
    numbers = [
        dict(name=name, shape=array.shape, type=str(becomes(array).dtype), values=becomes(array).ravel().tolist())
        for name, array in expected.items()
    ]
    return dict(numbers=dict(cases=numbers, refused=list(refused)), write=write, compare=compare)


def compare_arrays(name: str, actual: np.ndarray, expected: np.ndarray) -> None:
    is_same = actual.dtype == expected.dtype and actual.flags.f_contiguous == expected.flags.f_contiguous
    if not is_same or not np.array_equal(actual, expected):
        raise stored.Mismatch(f"arrays/{name} is not what is stored")
