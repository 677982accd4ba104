"""Views of an image and the patches cut from them (docs/model.md, "Views and patches")."""

import math

import torch
import torch.nn.functional as F

LOOKS = {
    "identity": dict(zoom=1.0, shift=0.0, degrees=0.0),
    "zoom-in": dict(zoom=1.25, shift=0.0, degrees=0.0),
    "zoom-out": dict(zoom=0.8, shift=0.0, degrees=0.0),
    "rotation": dict(zoom=1.0, shift=0.0, degrees=15.0),
    "shift": dict(zoom=1.0, shift=2.0, degrees=0.0),
}


def sample(images: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    """Bilinear samples at pixel coordinates; zero outside. images [B, C, H, W], rows and columns [H', W']."""
    height, width = images.shape[-2:]
    # grid_sample's own coordinates: -1 and 1 are the centres of the first and the last pixel.
    grid = torch.stack([2 * columns / (width - 1) - 1, 2 * rows / (height - 1) - 1], -1)
    grid = grid.expand(images.shape[0], *grid.shape)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=True)


def view(images: torch.Tensor, name: str) -> torch.Tensor:
    look = LOOKS[name]
    height = images.shape[-1]
    centre = (height - 1) / 2
    at = torch.arange(height, dtype=images.dtype)
    rows, columns = torch.meshgrid(at, at, indexing="ij")
    if look["degrees"] != 0:
        angle = math.radians(look["degrees"])
        along_x = columns + math.tan(angle / 2) * (rows - centre)
        along_y = rows - math.sin(angle) * (columns - centre)
        images = sample(images, rows, along_x)
        images = sample(images, along_y, columns)
        return sample(images, rows, along_x)
    place = lambda v: (v - centre) / look["zoom"] + centre + look["shift"]
    return sample(images, place(rows), place(columns))


def patches(images: torch.Tensor, cells: int, size: int, stride: int) -> torch.Tensor:
    """[B, C, H, H] -> [B, cells * cells, C * size * size]."""
    height = images.shape[-1]
    extent = (cells - 1) * stride + size
    margin = math.floor((extent - height) / 2)
    rest = extent - height - margin
    padded = F.pad(images, (margin, rest, margin, rest))
    return F.unfold(padded, kernel_size=size, stride=stride).transpose(1, 2)
