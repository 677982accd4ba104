"""The model in PyTorch (docs/model.md). Gradients are autograd's."""

import math

import torch
import torch.nn.functional as F

from .parameters import Parameter, grid
from .views import patches, view


class Model:
    def __init__(self, image: dict, classes: int, model: dict, layout: list[Parameter], flat: torch.Tensor):
        self.image, self.classes, self.config = image, classes, model
        self.side, self.pixels_per_token, self.cells_per_token = grid(image, model)
        self.p: dict[str, torch.Tensor] = {}
        at = 0
        for parameter in layout:
            self.p[parameter.name] = flat[at : at + parameter.size].reshape(parameter.shape)
            at += parameter.size

    def linear(self, name, x):
        return F.linear(x, self.p[f"{name}.weight"].T, self.p[f"{name}.bias"])

    def norm(self, name, x):
        return F.layer_norm(x, x.shape[-1:], self.p[f"{name}.gain"], self.p[f"{name}.bias"], eps=1e-5)

    def bent(self, name, cells):
        """GELU after group normalisation with one group; cells [B, F, G, G]."""
        return F.gelu(F.group_norm(cells, 1, self.p[f"{name}.gain"], self.p[f"{name}.bias"], eps=1e-5))

    def convolution(self, name, cells, window, stride):
        """cells [B, F, G, G]."""
        features = cells.shape[1]
        kernel = self.p[f"{name}.weight"].reshape(window, window, features, -1).permute(3, 2, 0, 1)
        before = math.ceil((window - stride) / 2)
        after = window - stride - before
        padded = F.pad(cells, (before, after, before, after))
        return F.conv2d(padded, kernel, self.p[f"{name}.bias"], stride=stride)

    def mlp(self, name, x):
        """x [B, side * side, F]."""
        hidden = self.linear(f"{name}.in", self.norm(f"{name}.norm", x))
        side = math.isqrt(x.shape[1])
        grid_of_hidden = hidden.unflatten(1, (side, side))
        eighth = hidden.shape[-1] // 8
        outside = F.pad(grid_of_hidden, (0, 0, 1, 1, 1, 1))
        below = outside[:, 2:, 1:-1, :eighth]
        above = outside[:, :-2, 1:-1, eighth : 2 * eighth]
        right = outside[:, 1:-1, 2:, 2 * eighth : 3 * eighth]
        left = outside[:, 1:-1, :-2, 3 * eighth : 4 * eighth]
        shifted = torch.cat([below, above, right, left, grid_of_hidden[..., 4 * eighth :]], -1)
        return self.linear(f"{name}.out", F.gelu(shifted.flatten(1, 2)))

    def stem(self, pixels):
        config = self.config
        cells_along = self.side * self.cells_per_token
        cells = self.linear("stem", patches(pixels, cells_along, config["patchSize"], config["patchStride"]))
        if config["stemDepth"] == 0 and not config["stemConvolutions"]:
            cells = F.gelu(cells)
        for i in range(config["stemDepth"]):
            cells = cells + self.mlp(f"stem{i}.mlp", cells)
        cells = cells.transpose(1, 2).unflatten(2, (cells_along, cells_along))
        for i, convolution in enumerate(config["stemConvolutions"]):
            name = f"stem.convolution{i}"
            after = self.convolution(name, self.bent(f"{name}.norm", cells), 3, convolution["stride"])
            cells = cells + after if after.shape == cells.shape else after
        if config["stemConvolutions"]:
            cells = self.bent("embedding.norm", cells)
        tokens = self.convolution("embedding", cells, config["mergeSize"], config["merge"])
        return tokens.flatten(2).transpose(1, 2) + self.p["embedding.position"]

    def view_patches(self, pixels, name):
        return patches(view(pixels, name), self.side, self.config["viewPatchSize"], self.pixels_per_token)

    def embedded_views(self, pixels):
        """A list of [B, N, D]."""
        embedded = []
        for i, name in enumerate(self.config["views"]):
            x = self.linear("views.patch", self.view_patches(pixels, name)) + self.p["embedding.position"]
            if self.config["viewNorm"] == "each":
                x = self.norm("views.norm", x) + self.p["views.viewpoint"][i]
            embedded.append(x.roll(-1, 0) if self.config["viewImages"] == "shuffled" else x)
        return embedded

    def view_weights(self, block):
        count = len(self.config["views"])
        if self.config["viewWeights"] == "uniform":
            return torch.full((count,), 1 / count, dtype=torch.float64)
        squares = self.p[f"block{block}.views.weight"] ** 2
        return squares if self.config["viewWeights"] == "raw" else squares / (1e-6 + squares.sum())

    def relative_bias(self, block):
        """[heads, N, N], by hand for every pair."""
        side, tokens = self.side, self.side**2
        if not self.config["relativeBias"]:
            return torch.zeros(self.config["heads"], tokens, tokens, dtype=torch.float64)
        index = [
            [(k // side - q // side + side - 1) * (2 * side - 1) + (k % side - q % side + side - 1) for k in range(tokens)]
            for q in range(tokens)
        ]
        return self.p[f"block{block}.attention.relative"][torch.tensor(index)].permute(2, 0, 1)

    def heads(self, x):
        """[B, N, D] -> [B, heads, N, D / heads]."""
        return x.unflatten(2, (self.config["heads"], -1)).transpose(1, 2)

    def attention(self, block, z, views):
        name = f"block{block}.attention"
        u = self.norm(f"{name}.norm", z)
        bias = self.relative_bias(block)
        source = u
        if views is not None:
            a = self.view_weights(block)
            if self.config["injection"] == "additive":
                mixed = sum(a[i] * e for i, e in enumerate(views))
                if self.config["viewNorm"] == "sum":
                    mixed = self.norm("views.norm", mixed) + a @ self.p["views.viewpoint"]
                source = u = u + self.p[f"block{block}.views.injection"] * mixed
            else:
                source = torch.cat([u, *views], 1)
                bias = torch.cat([bias, *(bias + torch.log(a[i] + 1e-6) for i in range(len(views)))], 2)
        query = self.linear(f"{name}.qkv", u).chunk(3, -1)[0]
        _, key, value = self.linear(f"{name}.qkv", source).chunk(3, -1)
        seen = F.scaled_dot_product_attention(self.heads(query), self.heads(key), self.heads(value), attn_mask=bias)
        return self.linear(f"{name}.out", seen.transpose(1, 2).flatten(2))

    def normalised(self, images):
        """[B, C * H * H] in [0, 1] -> [B, C, H, H]."""
        height, channels = self.image["height"], self.image["channels"]
        statistics = self.config["pixels"]
        mean = torch.tensor(statistics["mean"], dtype=torch.float64).reshape(1, channels, 1, 1)
        deviation = torch.tensor(statistics["stddev"], dtype=torch.float64).reshape(1, channels, 1, 1)
        return (images.reshape(-1, channels, height, height) - mean) / deviation

    def forward(self, images):
        """Logits, the tokens of the last block, the normalised pixels and the views."""
        config = self.config
        pixels = self.normalised(images)
        views = None if config["injection"] == "none" else self.embedded_views(pixels)
        z = self.stem(pixels)
        for block in range(config["depth"]):
            z = z + self.attention(block, z, views if block < config["injectionBlocks"] else None)
            for i in range(config["mlpsPerBlock"]):
                z = z + self.mlp(f"block{block}.mlp{i or ''}", z)
        y = self.norm("head.norm", z)
        shares = (y @ self.p["head.pool.weight"]).softmax(1)
        logits = self.linear("head", (shares * y).sum(1))
        return logits, z, pixels, views

    def position_loss(self, z, pairs):
        """One loss per sample; pairs is a list of two tokens."""
        side = self.side
        first, second = (torch.tensor(tokens) for tokens in zip(*pairs))
        hidden = F.gelu(self.linear("auxiliary.position.in", torch.cat([z[:, first], z[:, second]], -1)))
        told = self.linear("auxiliary.position.out", hidden)
        place = lambda t: torch.stack([t // side, t % side], -1).double()
        target = (place(first) - place(second)).abs() / (side - 1)
        return (told - target).abs().mean((1, 2))

    def completion_loss(self, pixels, views, hidden):
        """One loss per sample; hidden is a set of tokens."""
        truth = self.view_patches(pixels, "identity")
        is_hidden = torch.tensor([token in hidden for token in range(self.side**2)])
        shown = self.linear("views.patch", truth)
        x = torch.where(is_hidden[:, None], self.p["auxiliary.completion.mask"], shown) + self.p["embedding.position"]
        query = self.linear("auxiliary.completion.query", self.norm("views.norm", x))
        key, value = self.linear("auxiliary.completion.keyValue", torch.cat(views[1:], 1)).chunk(2, -1)
        seen = F.scaled_dot_product_attention(self.heads(query), self.heads(key), self.heads(value))
        rebuilt = self.linear("auxiliary.completion.out", seen.transpose(1, 2).flatten(2))
        return F.mse_loss(rebuilt, truth, reduction="none").mean(2)[:, is_hidden].mean(1)

    def losses(self, batch: dict):
        """One loss per sample, before its weight, and the logits."""
        logits, z, pixels, views = self.forward(batch["images"])
        losses = F.cross_entropy(logits, batch["targets"], reduction="none", label_smoothing=batch["labelSmoothing"])
        auxiliary = self.config["auxiliary"]
        if auxiliary["relativePosition"] > 0:
            losses = losses + auxiliary["relativePosition"] * self.position_loss(z, batch["pairs"])
        if auxiliary["completion"] > 0:
            losses = losses + auxiliary["completion"] * self.completion_loss(pixels, views, batch["hidden"])
        return losses, logits


def train(image, classes, config, layout, flat, batch):
    """What the training program returns: loss, correct, the flat gradient, and the logits."""
    flat = torch.tensor(flat, dtype=torch.float64, requires_grad=True)
    losses, logits = Model(image, classes, config, layout, flat).losses(batch)
    loss = (losses * batch["sampleWeights"]).sum()
    (gradient,) = torch.autograd.grad(loss, flat)
    right = logits.argmax(1) == batch["targets"].argmax(1)
    correct = (right * batch["sampleWeights"]).sum()
    return loss.item(), correct.item(), gradient, logits.detach()
