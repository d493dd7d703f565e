#!/usr/bin/env python3
"""Makes a small network as another program saves it, with random weights, and what that program makes of a picture.

usage: likeness.py KIND FOLDER

KIND is one of keras, tensorflow, toronto, matconvnet, zoo-alexnet, zoo-caffenet, torchvision, checkpoint, lightning, shared. The
published files cannot be downloaded everywhere and take hundreds of megabytes; these are laid out as they are, with fewer
kernels. Writes into FOLDER the file, network.json (the description for --network), picture.png, and likeness.json: the
file's name, options for 'alexnet import', and the probabilities. Ends with code 69 where a package is missing.
"""

import json
import pathlib
import sys

CLASSES = 5
IMAGE, CROP = 40, 35


def needs(*modules):
    import importlib

    try:
        return [importlib.import_module(module) for module in modules]
    except ImportError as error:
        print(f"likeness.py: {error}", file=sys.stderr)
        sys.exit(69)


def describe(name, norms, groups, rounding, padding, preprocessing=None, pool_first=False):
    """The small network in our words: two convolutions, two fully-connected layers."""
    norm = lambda n: {"type": "responseNormalization", "name": f"norm{n}", "size": 5, "constant": 1, "scale": 2e-5, "exponent": 0.75}
    pool = lambda n: {"type": "maxPooling", "name": f"pool{n}", "size": 3, "stride": 2, "rounding": rounding}
    both = lambda n: ([pool(n), norm(n)] if pool_first else [norm(n), pool(n)]) if norms else [pool(n)]
    layers = [
        {"type": "convolution", "name": "conv1", "kernels": 8, "size": 5, "stride": 2, "padding": padding, "rounding": "down",
         "tensor": "features.0"},
        {"type": "relu", "name": "relu1"}, *both(1),
        {"type": "convolution", "name": "conv2", "kernels": 12, "size": 3, "stride": 1, "padding": 1, "groups": groups,
         "rounding": "down", "tensor": "features.3"},
        {"type": "relu", "name": "relu2"}, *both(2),
        {"type": "fullyConnected", "name": "fc6", "kernels": 20, "tensor": "classifier.1"}, {"type": "relu", "name": "relu6"},
        {"type": "dropout", "name": "drop6", "probability": 0.5, "scalesInTraining": True},
        {"type": "fullyConnected", "name": "fc8", "kernels": CLASSES, "tensor": "classifier.4"},
    ]
    result = {"name": name, "towers": 1, "inputSide": CROP, "imageSide": IMAGE, "classes": CLASSES, "layers": layers}
    return result | ({"preprocessing": preprocessing} if preprocessing else {})


class Small:
    """The weights as PyTorch has them, and the network in NumPy, 64 bits, written out plainly."""

    def __init__(self, np, norms, groups, ceil, padding, pool_first=False):
        random = np.random.default_rng(11)
        draw = lambda *shape: random.normal(0, (2 / np.prod(shape[1:])) ** 0.5, shape).astype(np.float32)
        side = (CROP + 2 * padding - 5) // 2 + 1
        for _ in range(2):
            side = -(-(side - 3) // 2) + 1 if ceil else (side - 3) // 2 + 1
        self.side, self.np = side, np
        self.norms, self.groups, self.ceil, self.padding, self.pool_first = norms, groups, ceil, padding, pool_first
        self.w = {"conv1": draw(8, 3, 5, 5), "conv2": draw(12, 8 // groups, 3, 3), "fc6": draw(20, 12 * side * side),
                  "fc8": draw(CLASSES, 20)}
        self.b = {name: random.uniform(-0.3, 0.3, len(w)).astype(np.float32) for name, w in self.w.items()}

    def convolve(self, x, name, stride, padding, groups):
        np = self.np
        w = self.w[name].astype(np.float64)
        x = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
        windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], axis=(1, 2))[:, ::stride, ::stride]
        parts = zip(np.split(windows, groups), np.split(w, groups))
        return np.concatenate([np.einsum("crsyx,kcyx->krs", a, k) for a, k in parts]) + self.b[name][:, None, None]

    def pool(self, x):
        np = self.np
        maps, side, _ = x.shape
        places = -(-(side - 3) // 2) + 1 if self.ceil else (side - 3) // 2 + 1
        cut = lambda k: slice(2 * k, min(side, 2 * k + 3))
        return np.array([[[x[m, cut(r), cut(c)].max() for c in range(places)] for r in range(places)] for m in range(maps)])

    def norm(self, x):
        np = self.np
        square = x ** 2
        sums = np.array([square[max(0, m - 2):m + 3].sum(0) for m in range(len(x))])
        return x / (1 + 2e-5 * sums) ** 0.75

    def probabilities(self, x):
        """Of what goes in, maps x rows x columns."""
        np = self.np
        steps = [self.pool, self.norm] if self.pool_first else [self.norm, self.pool]
        for name, stride, padding, groups in [("conv1", 2, self.padding, 1), ("conv2", 1, 1, self.groups)]:
            x = np.maximum(self.convolve(x, name, stride, padding, groups), 0)
            for step in steps if self.norms else [self.pool]:
                x = step(x)
        x = np.maximum(self.w["fc6"].astype(np.float64) @ x.reshape(-1) + self.b["fc6"], 0)
        x = self.w["fc8"].astype(np.float64) @ x + self.b["fc8"]
        return np.exp(x - x.max()) / np.exp(x - x.max()).sum()


def picture(np, folder):
    (Image,) = needs("PIL.Image")
    pixels = np.random.default_rng(5).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    image = Image.fromarray(pixels).resize((IMAGE, IMAGE), Image.BICUBIC)
    image.save(folder / "picture.png")
    start = (IMAGE - CROP) // 2
    return np.asarray(image).astype(np.float64)[start:start + CROP, start:start + CROP]


def onnx_model(small, folder):
    """As the zoo's bvlcalexnet and caffenet are: pads at the end for the ceil rule, weights in initializers of their own names."""
    np, (onnx,) = small.np, needs("onnx")
    helper, nodes = onnx.helper, []
    add = lambda op, inputs, out, **how: nodes.append(helper.make_node(op, inputs, [out], **how)) or out
    both = {"LRN": dict(size=5, alpha=1e-4, beta=0.75, bias=1.0), "MaxPool": None}
    x, side = "data_0", CROP
    for n, (stride, padding, size) in enumerate([(2, small.padding, 5), (1, 1, 3)], 1):
        x = add("Conv", [x, f"conv{n}_w_0", f"conv{n}_b_0"], f"conv{n}_1", kernel_shape=[size] * 2, strides=[stride] * 2,
                pads=[padding] * 4, group=small.groups if n == 2 else 1)
        side = (side + 2 * padding - size) // stride + 1
        x = add("Relu", [x], f"relu{n}_1")
        for op in sorted(both, reverse=small.pool_first):
            if op == "LRN":
                x = add("LRN", [x], f"norm{n}_1", **both["LRN"])
            else:
                end = (-(-(side - 3) // 2)) * 2 + 3 - side
                x = add("MaxPool", [x], f"pool{n}_1", kernel_shape=[3, 3], strides=[2, 2], pads=[0, 0, end, end])
                side = -(-(side - 3) // 2) + 1
    x = add("Reshape", [x, "OC2_DUMMY_1"], "OC2_DUMMY_0")
    x = add("Gemm", [x, "fc6_w_0", "fc6_b_0"], "fc6_1", transB=1)
    x = add("Dropout", [add("Relu", [x], "relu6_1")], "drop6_1")
    x = add("Gemm", [x, "fc8_w_0", "fc8_b_0"], "fc8_1", transB=1)
    add("Softmax", [x], "prob_1", axis=1)
    constants = [onnx.numpy_helper.from_array(array, f"{name}_{part}_0") for part, arrays in (("w", small.w), ("b", small.b))
                 for name, array in arrays.items()]
    constants.append(onnx.numpy_helper.from_array(np.array([1, 12 * small.side ** 2]), "OC2_DUMMY_1"))
    value = lambda name, shape: helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, "small", [value("data_0", [1, 3, CROP, CROP])], [value("prob_1", [1, CLASSES])], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 12)])
    onnx.checker.check_model(model)
    onnx.save(model, folder / "model.onnx")
    return "model.onnx"


def state(small, torch):
    names = {"conv1": "features.0", "conv2": "features.3", "fc6": "classifier.1", "fc8": "classifier.4"}
    return {f"{names[layer]}.{part}": torch.from_numpy(arrays[layer]) for layer in names
            for part, arrays in (("weight", small.w), ("bias", small.b))}


def main():
    kind, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    (np,) = needs("numpy")
    pixels = picture(np, folder)
    maps = pixels.transpose(2, 0, 1)
    bgr = maps[::-1] - np.array([104, 117, 123])[:, None, None]
    caffe = ["--mean", "123,117,104", "--channel-order", "BGR"]
    convert = kind not in ("zoo-alexnet", "zoo-caffenet")
    if kind in ("torchvision", "checkpoint", "lightning", "shared"):
        (torch,) = needs("torch")
        small = Small(np, norms=False, groups=1, ceil=False, padding=2)
        scaling = {"scale": 1 / 255, "mean": [0.485, 0.456, 0.406], "deviation": [0.229, 0.224, 0.225]}
        network, options = describe("small", False, 1, "down", 2, scaling), []
        x = (maps / 255 - np.array(scaling["mean"])[:, None, None]) / np.array(scaling["deviation"])[:, None, None]
        weights, name = state(small, torch), "weights.pth"
        if kind == "checkpoint":  # of PyTorch's ImageNet example, with its optimiser
            name = "model_best.pth.tar"
            momentum = {"state": {0: {"momentum_buffer": torch.ones(8, 3, 5, 5)}}, "param_groups": [{"lr": 0.01, "params": [0]}]}
            weights = {"epoch": 90, "arch": "alexnet", "best_acc1": torch.tensor(56.5), "optimizer": momentum, "state_dict": {
                key.replace("features.", "features.module."): value for key, value in weights.items()}}
        if kind == "lightning":  # compiled
            name = "last.ckpt"
            weights = {"epoch": 3, "global_step": 9, "state_dict": {"model._orig_mod." + key: value for key, value in weights.items()},
                       "loops": {"fit_loop": {"state_dict": {}}}, "hyper_parameters": {"lr": 0.1}}
        if kind == "shared":  # views of larger tensors, turned, and wanting gradients
            wide = torch.zeros(20, 2 * weights["classifier.1.weight"].shape[1])
            wide[:, ::2] = weights["classifier.1.weight"]
            weights["classifier.1.weight"] = torch.nn.Parameter(wide)[:, ::2]
            weights["classifier.4.weight"] = weights["classifier.4.weight"].T.contiguous().T
            weights["copy.of"] = weights["features.0.weight"]
        torch.save(weights, folder / name)
    elif kind in ("zoo-alexnet", "zoo-caffenet"):
        small = Small(np, norms=True, groups=2, ceil=True, padding=0, pool_first=kind == "zoo-caffenet")
        network = describe("small", True, 2, "up", 0, {"channelOrder": "BGR"}, small.pool_first)
        name, options, x = onnx_model(small, folder), caffe[:2], bgr
    elif kind == "toronto":
        small = Small(np, norms=True, groups=2, ceil=True, padding=0)
        network, options, x, name = describe("small", True, 2, "up", 0), caffe, bgr, "bvlc_alexnet.npy"
        # Convolutions as rows x columns x maps x kernels, dense layers as inputs x neurons, inputs rows x columns x maps.
        content = {layer: [small.w[layer].transpose(2, 3, 1, 0), small.b[layer]] for layer in ("conv1", "conv2")}
        rows = small.w["fc6"].reshape(20, 12, small.side, small.side).transpose(2, 3, 1, 0).reshape(-1, 20)
        content |= {"fc6": [rows, small.b["fc6"]], "fc8": [small.w["fc8"].T, small.b["fc8"]]}
        np.save(folder / name, content, allow_pickle=True)
    elif kind == "matconvnet":
        (io,) = needs("scipy.io")
        small = Small(np, norms=True, groups=2, ceil=True, padding=0)
        # MatConvNet's colours are R, G, B.
        network, name = describe("small", True, 2, "up", 0), "imagenet-caffe-alex.mat"
        options, x = ["--mean", "123,117,104", "--channel-order", "RGB"], maps - np.array([123, 117, 104])[:, None, None]
        four = {"fc6": (20, 12, small.side, small.side), "fc8": (CLASSES, 20, 1, 1)}
        layers = np.empty((1, 5), dtype=object)
        for place, layer in enumerate(("conv1", "relu1", "conv2", "fc6", "fc8")):
            if layer == "relu1":
                layers[0, place] = {"type": "relu", "name": layer}
                continue
            weights = np.empty((1, 2), dtype=object)
            weights[0, 0] = small.w[layer].reshape(four.get(layer, small.w[layer].shape)).transpose(2, 3, 1, 0)
            weights[0, 1] = small.b[layer][None]
            layers[0, place] = {"type": "conv", "name": layer, "weights": weights}
        io.savemat(folder / name, {"layers": layers})
    elif kind in ("keras", "tensorflow"):
        import os

        if kind == "tensorflow":
            (tensorflow,) = needs("tensorflow")
            os.environ["KERAS_BACKEND"] = "tensorflow"
        else:
            os.environ.setdefault("KERAS_BACKEND", "torch")
        (keras,) = needs("keras")
        keras.utils.set_random_seed(3)
        layers = keras.layers
        model = keras.Sequential([
            keras.Input((CROP, CROP, 3)), layers.Conv2D(8, 5, 2, activation="relu", name="conv1"), layers.MaxPooling2D(3, 2),
            layers.Conv2D(12, 3, padding="same", activation="relu", name="conv2"), layers.MaxPooling2D(3, 2), layers.Flatten(),
            layers.Dense(20, activation="relu", name="fc6"), layers.Dropout(0.5), layers.Dense(CLASSES, activation="softmax", name="fc8"),
        ])
        network = describe("small", False, 1, "down", 0, {"scale": 1 / 255, "mean": [0, 0, 0]})
        options, name = [], "model.keras"
        if kind == "keras":
            model.compile("sgd", "categorical_crossentropy")
            model.save(folder / name)
        else:
            name = "checkpoint.index"
            variables = {}
            for layer in ("conv1", "conv2", "fc6", "fc8"):
                kernel, bias = model.get_layer(layer).get_weights()
                variables |= {f"{layer}/weights": tensorflow.Variable(kernel), f"{layer}/biases": tensorflow.Variable(bias)}
            tensorflow.raw_ops.SaveV2(
                prefix=str(folder / "checkpoint"), tensor_names=list(variables), shape_and_slices=[""] * len(variables),
                tensors=[variable.value() for variable in variables.values()])
        expected = np.asarray(model.predict((pixels / 255)[None].astype(np.float32), verbose=0))[0]
        small = None
    else:
        sys.exit(__doc__)
    if small is not None:
        expected = small.probabilities(x)
    (folder / "network.json").write_text(json.dumps(network))
    (folder / "likeness.json").write_text(json.dumps(
        {"file": name, "convert": convert, "options": options, "probabilities": [float(p) for p in expected]}))


main()
