"""Multi-head attention, with and without a causal mask: torch.nn.MultiheadAttention, and its gradients of sum(y * cotangent)."""

import numpy as np
import torch

BATCH, TOKENS, WIDTH, HEADS = 2, 5, 8, 2


def attention_numbers() -> dict:
    tensors = {}
    for seed, name in enumerate(["plain", "causal"]):
        generator = np.random.default_rng(seed)

        def draw(*shape):
            return torch.tensor(generator.uniform(-1, 1, shape).astype(np.float32)).double()

        module = torch.nn.MultiheadAttention(WIDTH, HEADS, batch_first=True, dtype=torch.float64)
        parameters = dict(module.named_parameters())
        with torch.no_grad():
            for parameter in parameters.values():
                parameter.copy_(draw(*parameter.shape))
        x = draw(BATCH, TOKENS, WIDTH).requires_grad_()
        mask = torch.nn.Transformer.generate_square_subsequent_mask(TOKENS, dtype=torch.float64) if name == "causal" else None
        y, _ = module(x, x, x, attn_mask=mask, need_weights=False)
        cotangent = draw(*y.shape)
        (y * cotangent).sum().backward()
        values = {"x": x, **parameters}
        found = {
            **values,
            **{f"grad:{key}": value.grad for key, value in values.items()},
            "y": y,
            "cotangent": cotangent,
        }
        for key, value in found.items():
            tensors[f"{name}/{key}"] = np.ascontiguousarray(value.detach().numpy().astype(np.float32))
    shape = {"batch": BATCH, "tokens": TOKENS, "width": WIDTH, "heads": HEADS}
    return {"numbers": shape, "tensors": tensors}
