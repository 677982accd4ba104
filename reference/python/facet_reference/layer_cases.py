"""Layers as tf.layers define them: outputs, and gradients of sum(y * cotangent) by every weight, by PyTorch's autodiff.

A case is a model of packages/engine/src/conformance/layer-cases.ts under the same name. Weights have the shapes and the order
of tf.layers; images are [batch, height, width, channels]. What tf.layers and PyTorch define alike is PyTorch's own function.
"""

import numpy as np
import torch
import torch.nn.functional as F

BATCH = 2
VOCABULARY = 5
IMAGE, SQUARE = [5, 6, 2], [4, 4, 2]


def channels_first(x):
    return x.permute(0, 3, 1, 2)


def channels_last(x):
    return x.permute(0, 2, 3, 1)


def dense(x, kernel, bias):
    return F.linear(x, kernel.t(), bias)


def same(size, kernel, stride, dilation=1):
    """Padding before and after, as TensorFlow's "same": the odd one after."""
    out = -(-size // stride)
    total = max((out - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2


def pad_same(x, kernel, stride, value=0.0, dilation=(1, 1)):
    """x is channels first."""
    (top, bottom), (left, right) = (same(x.shape[2 + i], kernel[i], stride, dilation[i]) for i in (0, 1))
    return F.pad(x, (left, right, top, bottom), value=value)


def conv2d(x, kernel, bias, stride=1, padding="same", dilation=1):
    x = channels_first(x)
    if padding == "same":
        x = pad_same(x, kernel.shape[:2], stride, dilation=(dilation, dilation))
    return channels_last(F.conv2d(x, kernel.permute(3, 2, 0, 1), bias, stride=stride, dilation=dilation))


def depthwise(x, kernel, bias, stride, dilation=1):
    height, width, channels, multiplier = kernel.shape
    x = pad_same(channels_first(x), (height, width), stride, dilation=(dilation, dilation))
    weight = kernel.permute(2, 3, 0, 1).reshape(channels * multiplier, 1, height, width)
    return channels_last(F.conv2d(x, weight, bias, stride=stride, groups=channels, dilation=dilation))


def separable(x, depth_kernel, point_kernel, bias):
    return conv2d(depthwise(x, depth_kernel, None, 1), point_kernel, bias)


def conv1d(x, kernel, bias, stride):
    before, after = same(x.shape[1], kernel.shape[0], stride)
    x = F.pad(x.transpose(1, 2), (before, after))
    return F.conv1d(x, kernel.permute(2, 1, 0), bias, stride=stride).transpose(1, 2)


def conv2d_transpose(x, kernel, bias):
    """3x3, stride 2, "same": the last row and column lie outside."""
    y = F.conv_transpose2d(channels_first(x), kernel.permute(3, 2, 0, 1), bias, stride=2)
    return channels_last(y[:, :, :-1, :-1])


def max_pool_same(x):
    return channels_last(F.max_pool2d(pad_same(channels_first(x), (3, 3), 2, value=-torch.inf), 3, 2))


def along_sequence(pool, x):
    return pool(x.transpose(1, 2), 2).transpose(1, 2)


def bilinear(x):
    """Twice the size as TensorFlow 1 does without options: place i reads i / 2, and the border is repeated."""
    size = x.shape[1]
    matrix = np.zeros((2 * size, size))
    for i in range(2 * size):
        low = i // 2
        matrix[i, low] += 1 - i / 2 + low
        matrix[i, min(low + 1, size - 1)] += i / 2 - low
    weights = torch.tensor(matrix)
    return torch.einsum("ih,jw,bhwc->bijc", weights, weights, x)


def hard_sigmoid(x):
    return torch.clamp(0.2 * x + 0.5, 0, 1)


def simple_rnn(x, kernel, recurrent, bias):
    state = x.new_zeros(x.shape[0], recurrent.shape[0])
    for step in x.unbind(1):
        state = torch.tanh(step @ kernel + bias + state @ recurrent)
    return state


def gru(x, kernel, recurrent, bias):
    """Cho et al. 2014, with the reset before the product, as tf.layers have it; every state."""
    units = recurrent.shape[0]
    state, states = x.new_zeros(x.shape[0], units), []
    for step in x.unbind(1):
        from_input = step @ kernel + bias
        gates = hard_sigmoid(from_input[:, : 2 * units] + state @ recurrent[:, : 2 * units])
        update, reset = gates.chunk(2, 1)
        candidate = torch.tanh(from_input[:, 2 * units :] + (reset * state) @ recurrent[:, 2 * units :])
        state = update * state + (1 - update) * candidate
        states.append(state)
    return torch.stack(states, 1)


def lstm(x, kernel, recurrent, bias):
    """Hochreiter and Schmidhuber 1997 with a forget gate; gates in the order input, forget, cell, output."""
    state = cell = x.new_zeros(x.shape[0], recurrent.shape[0])
    for step in x.unbind(1):
        enter, forget, candidate, leave = (step @ kernel + state @ recurrent + bias).chunk(4, 1)
        cell = hard_sigmoid(forget) * cell + hard_sigmoid(enter) * torch.tanh(candidate)
        state = hard_sigmoid(leave) * torch.tanh(cell)
    return state


def bidirectional(x, embeddings, *weights):
    embedded = F.embedding(x.long(), embeddings)
    return torch.cat([lstm(embedded, *weights[:3]), lstm(embedded.flip(1), *weights[3:])], 1)


ACTIVATIONS = {
    "elu": F.elu,
    "hardSigmoid": hard_sigmoid,
    "linear": lambda x: x,
    "relu": F.relu,
    "relu6": F.relu6,
    "selu": F.selu,
    "sigmoid": torch.sigmoid,
    "softmax": lambda x: F.softmax(x, -1),
    "softplus": F.softplus,
    "softsign": F.softsign,
    "swish": F.silu,
    "mish": F.mish,
    "tanh": torch.tanh,
}

DENSE4 = [[4, 4], [4]]
CONV = [[3, 3, 2, 2], [2]]
DENSE2 = [[2, 2], [2]]
LSTM2 = [[2, 8], [2, 8], [8]]


def after_dense(of):
    return lambda x, kernel, bias, *rest: of(dense(x, kernel, bias), *rest)


def after_conv(of):
    return lambda x, kernel, bias, *rest: of(conv2d(x, kernel, bias), *rest)


def merged(of):
    return lambda a, b, kernel, bias: of(dense(a, kernel, bias), b)


def layer_norm(x, gain, bias):
    return F.layer_norm(x, [4], gain, bias, eps=1e-3)


def frozen_norm(x, gain, bias, mean, variance):
    """PyTorch's own in evaluation, written out because it has no gradient by mean and variance. Epsilon is 2."""
    y = (x - mean) / torch.sqrt(variance + 2) * gain + bias
    theirs = F.batch_norm(channels_first(x), mean.detach(), variance.detach(), gain, bias, eps=2)
    assert torch.allclose(y, channels_last(theirs))
    return y


def upsample_nearest(x):
    return channels_last(F.interpolate(channels_first(x), scale_factor=(2, 3), mode="nearest"))


def pad_and_crop(x):
    return F.pad(x, (0, 0, 1, 1, 2, 2))[:, 1:, :-2]


# name -> shapes of the inputs of a sample, shapes of the weights, the model, shapes of the noise of a sample
CASES = {
    "dense, relu": ([[4]], [[4, 3], [3]], after_dense(F.relu)),
    "dense along a sequence": ([[3, 4]], [[4, 2], [2]], dense),
    **{f"activation {name}": ([[4]], DENSE4, after_dense(of)) for name, of in ACTIVATIONS.items()},
    "relu": ([[4]], DENSE4, after_dense(F.relu)),
    "relu with a largest value": ([[4]], DENSE4, after_dense(lambda x: torch.clamp(x, 0, 1))),
    "leakyReLU": ([[4]], DENSE4, after_dense(lambda x: F.leaky_relu(x, 0.2))),
    "prelu": ([[4]], [*DENSE4, [4]], after_dense(F.prelu)),
    "elu": ([[4]], DENSE4, after_dense(F.elu)),
    "softmax": ([[4]], DENSE4, after_dense(lambda x: F.softmax(x, -1))),
    "layerNormalization": ([[4]], [*DENSE4, [4], [4]], after_dense(layer_norm)),
    "batchNormalization, frozen": ([SQUARE], [*CONV, *[[2]] * 4], after_conv(frozen_norm)),
    "conv1d": ([[6, 2]], [[3, 2, 3], [3]], lambda x, kernel, bias: conv1d(x, kernel, bias, 2)),
    "conv2d, same, relu": ([IMAGE], [[3, 3, 2, 3], [3]], after_conv(F.relu)),
    "conv2d, valid, strides 2": ([IMAGE], [[2, 3, 2, 2], [2]], lambda x, *w: conv2d(x, *w, 2, "valid")),
    "conv2d, dilation 2": ([IMAGE], [[3, 2, 2, 2], [2]], lambda x, *w: conv2d(x, *w, dilation=2)),
    "conv1d, dilation 2": (
        [[6, 2]],
        [[3, 2, 3], [3]],
        lambda x, kernel, bias: F.conv1d(x.transpose(1, 2), kernel.permute(2, 1, 0), bias, dilation=2).transpose(1, 2),
    ),
    "separableConv2d, dilation 2": (
        [IMAGE],
        [[2, 3, 2, 1], [1, 1, 2, 3], [3]],
        lambda x, depth, point, bias: conv2d(depthwise(x, depth, None, 1, 2), point, bias),
    ),
    "depthwiseConv2d": ([IMAGE], [[3, 3, 2, 2], [4]], lambda x, *w: depthwise(x, *w, 2)),
    "separableConv2d": ([IMAGE], [[3, 3, 2, 1], [1, 1, 2, 3], [3]], separable),
    "conv2dTranspose": ([[2, 3, 2]], CONV, conv2d_transpose),
    "maxPooling1d": ([[6, 2]], DENSE2, after_dense(lambda x: along_sequence(F.max_pool1d, x))),
    "maxPooling2d, same, odd size": ([IMAGE], CONV, after_conv(max_pool_same)),
    "averagePooling1d": ([[6, 2]], DENSE2, after_dense(lambda x: along_sequence(F.avg_pool1d, x))),
    "averagePooling2d": (
        [SQUARE],
        CONV,
        after_conv(lambda x: channels_last(F.avg_pool2d(channels_first(x), 2))),
    ),
    "globalAveragePooling1d": ([[4, 2]], DENSE2, after_dense(lambda x: x.mean(1))),
    "globalAveragePooling2d": ([IMAGE], CONV, after_conv(lambda x: x.mean((1, 2)))),
    "globalMaxPooling1d": ([[4, 2]], DENSE2, after_dense(lambda x: x.amax(1))),
    "globalMaxPooling2d": ([IMAGE], CONV, after_conv(lambda x: x.amax((1, 2)))),
    "flatten": ([SQUARE], [*CONV, [32, 2], [2]], after_conv(lambda x, *w: dense(x.flatten(1), *w))),
    "reshape, permute": ([[6]], [[6, 6], [6]], after_dense(lambda x: x.reshape(-1, 2, 3).transpose(1, 2))),
    "repeatVector, timeDistributed": ([[3]], [[3, 2], [2]], lambda x, *w: dense(torch.stack([x, x], 1), *w)),
    "zeroPadding2d, cropping2D": ([SQUARE], CONV, after_conv(pad_and_crop)),
    "upSampling2d, nearest": ([IMAGE], CONV, after_conv(upsample_nearest)),
    "upSampling2d, bilinear": ([SQUARE], CONV, after_conv(bilinear)),
    "dropout": ([SQUARE], CONV, after_conv(torch.mul), [SQUARE]),
    "dropout of whole channels": ([SQUARE], CONV, after_conv(torch.mul), [[1, 1, 2]]),
    "spatialDropout1d": ([[4, 2]], [[2, 3], [3]], after_dense(torch.mul), [[1, 3]]),
    "gaussianDropout": ([[4]], [[4, 3], [3]], after_dense(torch.mul), [[3]]),
    "gaussianNoise": ([[4]], [[4, 3], [3]], lambda x, kernel, bias, noise: dense(x + noise, kernel, bias), [[4]]),
    "embedding": ([[4]], [[5, 3]], lambda x, embeddings: F.embedding(x.long(), embeddings)),
    "simpleRNN": ([[3, 2]], [[2, 3], [3, 3], [3]], simple_rnn),
    "gru": ([[3, 2]], [[2, 9], [3, 9], [9]], gru),
    "lstm": ([[3, 2]], [[2, 12], [3, 12], [12]], lstm),
    "bidirectional lstm after an embedding": ([[3]], [[5, 2], *LSTM2, *LSTM2], bidirectional),
    "add": ([[3], [3]], [[3, 3], [3]], merged(torch.add)),
    "average": ([[3], [3]], [[3, 3], [3]], merged(lambda a, b: (a + b) / 2)),
    "concatenate": ([[3], [3]], [[3, 3], [3]], merged(lambda a, b: torch.cat([a, b], 1))),
    "maximum": ([[3], [3]], [[3, 3], [3]], merged(torch.maximum)),
    "minimum": ([[3], [3]], [[3, 3], [3]], merged(torch.minimum)),
    "multiply": ([[3], [3]], [[3, 3], [3]], merged(torch.mul)),
}

WHOLE = {"embedding", "bidirectional lstm after an embedding"}
# tfjs-cpu resizes only the first image of a batch rightly, so the model has one.
SINGLE = {"upSampling2d, nearest"}


def layer_numbers() -> dict:
    tensors = {}
    for seed, (name, (inputs, weights, model, *noise)) in enumerate(CASES.items()):
        generator = np.random.default_rng(seed)
        batch = 1 if name in SINGLE else BATCH

        def draw(shape):
            return torch.tensor(generator.uniform(-1, 1, shape).astype(np.float32)).double()

        xs = [
            torch.tensor(generator.integers(0, VOCABULARY, [batch, *shape])).double() if name in WHOLE else draw([batch, *shape])
            for shape in inputs
        ]
        ws = [draw(shape).requires_grad_() for shape in weights]
        ns = [draw([batch, *shape]) for shape in (noise[0] if noise else [])]
        y = model(*xs, *ws, *ns)
        cotangent = draw(y.shape)
        (y * cotangent).sum().backward()
        groups = {"x": xs, "w": ws, "noise": ns, "grad": [w.grad for w in ws], "y": [y], "cotangent": [cotangent]}
        for group, values in groups.items():
            for at, value in enumerate(values):
                tensors[f"{name}/{group}{at}"] = np.ascontiguousarray(value.detach().numpy().astype(np.float32))
    return {"numbers": {"names": list(CASES)}, "tensors": tensors}
