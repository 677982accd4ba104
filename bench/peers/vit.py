"""The plain vision transformer of bench/lib/plain-vit.mjs in PyTorch, eager, one thread.

Reads lines of JSON {"width", "depth", "heads", "tokens", "patch", "batch", "runs"} from standard input and answers each
with {"milliseconds" of every run (forward and backward), "version"}. bench/peers/ddp.py trains the same model.
"""

import json
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
torch.set_num_interop_threads(1)


class Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp1, self.mlp2 = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        batch, tokens, width = z.shape
        qkv = self.qkv(self.norm1(z)).view(batch, tokens, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(batch, tokens, width)
        z = z + self.out(mixed)
        return z + self.mlp2(F.gelu(self.mlp1(self.norm2(z))))


class Vit(nn.Module):
    def __init__(self, width: int, depth: int, heads: int, tokens: int, patch: int) -> None:
        super().__init__()
        self.embed = nn.Linear(patch, width)
        self.position = nn.Parameter(torch.zeros(tokens, width))
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(depth)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 10)

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        return self.head(self.norm(self.blocks(self.embed(patches) + self.position)).mean(1))


def main() -> None:
    for line in sys.stdin:
        ask = json.loads(line)
        torch.manual_seed(1)
        model = Vit(ask["width"], ask["depth"], ask["heads"], ask["tokens"], ask["patch"])
        patches = torch.randn(ask["batch"], ask["tokens"], ask["patch"])
        labels = torch.randint(0, 10, (ask["batch"],))
        times = []
        for _ in range(ask["runs"] + 2):
            started = time.perf_counter()
            model.zero_grad(set_to_none=True)
            F.cross_entropy(model(patches), labels, reduction="sum").backward()
            times.append((time.perf_counter() - started) * 1000)
        print(json.dumps({"milliseconds": times[2:], "version": torch.__version__}), flush=True)


if __name__ == "__main__":
    main()
