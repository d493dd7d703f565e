#!/usr/bin/env python3
"""Makes a safetensors file, which 'alexnet import' reads, of weights that only the programs that wrote them read well.

usage: to_safetensors.py FILE OUT.safetensors [--key WORD] [--order LAYER,LAYER,...]

  .pth .pt .bin .pkl .ckpt .pth.tar    PyTorch, Lightning: torch. Dictionaries inside dictionaries are searched for the one
                                       that holds tensors; --key names it where there are several.
  .keras .h5                           Keras: keras, with any backend. Convolutions and dense layers in their order. The settings
                                       of all layers are printed, for the description of the network.
  checkpoint.index, or its prefix      TensorFlow: tensorflow. Variables LAYER/weights (or kernel) and LAYER/biases (or bias).
  .npy                                 a dictionary of [weights, biases] a layer, as U Toronto's bvlc_alexnet.npy: numpy.
  .mat                                 MatConvNet: scipy.

Needs numpy, safetensors and the package of the format. PyTorch's tensors keep their names; elsewhere layers are called as the
file calls them, and weights lie as PyTorch's do afterwards: kernels x maps x rows x columns, neurons x inputs, where the
inputs of the first layer after the convolutions are maps x rows x columns. Where a file does not say the order of its layers
(.npy, TensorFlow), convolutions come first, and each kind goes by its names: conv1, conv2, fc1; conv2d, conv2d_1, dense. Each
must read as much as the one before it makes; --order names them in another order, and leaves out what it does not name.
Nothing in a file is executed: pickled objects other than arrays, plain values and the options of a
training program (argparse.Namespace) are refused.
"""

import argparse
import importlib.util
import io
import os
import pathlib
import pickle
import re
import sys
import warnings

import numpy as np


def complain(text):
    sys.exit(f"to_safetensors.py: {text}")


# PyTorch

def from_torch(path, key):
    import torch

    if path.stat().st_size == 0:
        complain(f"'{path}' is empty.")
    # Torch's warnings are for those who call it.
    warnings.simplefilter("ignore")
    # The options of a training program, as torchvision's keep them; they only hold what they are given.
    if hasattr(torch.serialization, "add_safe_globals"):
        torch.serialization.add_safe_globals([argparse.Namespace])
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # Of many types, where a file is damaged or is none of PyTorch's.
        complain(refusal(path, error))
    found = dict(tensor_dictionaries(content, "", torch.Tensor))
    if not found:
        complain(f"'{path}' holds no dictionary of tensors; save model.state_dict().")
    if key is None:
        # An optimiser's numbers are by the numbers of parameters, not by names.
        if len(found) > 1:
            complain(f"'{path}' holds several dictionaries of tensors; name one with --key: {', '.join(sorted(found))}")
        (key,) = found
    elif key not in found:
        complain(f"'{path}' holds no dictionary of tensors '{key}'; it holds {', '.join(sorted(found))}.")
    return {name: plain(tensor, name, path) for name, tensor in found[key].items()}, "torch"


def refusal(path, error):
    """Why PyTorch does not read a file, in one sentence, and what to do."""
    text = " ".join(str(error).split())
    if "TorchScript" in text:
        return (f"'{path}' is a program of TorchScript; save its weights where you trust it: "
                "torch.save(torch.jit.load(FILE).state_dict(), 'weights.pth').")
    # Torch says what it would have to call, and other things around it.
    if called := re.search(r"GLOBAL ([\w.]+)", text):
        return (f"'{path}' holds more than tensors and plain values: {called[1]} would have to be executed. Save "
                "model.state_dict() where the model is defined.")
    return (f"'{path}' is cut or damaged, is no file of PyTorch, or holds what would have to be executed "
            f"({type(error).__name__}); save model.state_dict() again.")


def plain(tensor, name, path):
    """A tensor as numbers, one after the other."""
    if tensor.is_quantized:
        complain(f"'{name}' in '{path}' is quantised; save the network as it was before that.")
    # Tensors may share memory, be views, leave out zeros, lie on a GPU or want gradients: none of that is a file's.
    return tensor.detach().cpu().to_dense().contiguous().clone()


def tensor_dictionaries(value, place, kind):
    """The dictionaries with named weights in a value, by the keys that lead there."""
    if not isinstance(value, dict):
        return
    # Quantised layers keep their weights in tuples.
    if packed := next((name for name in value if str(name).endswith("_packed_params")), None):
        complain(f"'{packed}' is quantised; save the network as it was before that.")
    tensors = {name: tensor for name, tensor in value.items() if isinstance(tensor, kind) and isinstance(name, str)}
    if any(name.endswith("weight") for name in tensors):
        yield place or "whole", tensors
    for name, inner in value.items():
        yield from tensor_dictionaries(inner, f"{place}.{name}" if place else str(name), kind)


# Layers whose weights lie otherwise

class Layers:
    """Collects layers in their order and turns their weights into PyTorch's layout."""

    def __init__(self, path):
        self.path, self.layers = path, []

    def add(self, name, weights, bias):
        """Weights as rows x columns x maps x kernels, or inputs x neurons."""
        weights = np.asarray(weights)
        # NumPy itself knows no bfloat16.
        if weights.ndim not in (2, 4) or not (weights.dtype.kind in "fiu" or weights.dtype.name == "bfloat16") or not weights.size:
            complain(f"'{name}' in '{self.path}' has weights of shape {weights.shape} and type {weights.dtype}; numbers of two "
                     "or four lengths are read.")
        kernels = weights.shape[-1]
        bias = np.zeros(kernels) if bias is None else np.asarray(bias)
        if bias.size != kernels:
            complain(f"'{name}' in '{self.path}' has biases of shape {bias.shape} for {kernels} kernels.")
        self.layers.append((name, weights, bias.reshape(-1)))

    def sort(self, order):
        """Puts layers of which the file does not say the order into that of a list, or into the usual one."""
        names = [name for name, _, _ in self.layers]
        if order is None:
            # Convolutions, then dense layers, each by their names: conv2d, conv2d_1, ..., conv2d_10.
            parts = lambda name: [(int(part), "") if part.isdigit() else (0, part) for part in re.findall(r"\d+|\D+", name.lower())]
            self.layers.sort(key=lambda layer: (-layer[1].ndim, parts(layer[0])))
        elif missing := [name for name in order if name not in names]:
            complain(f"--order: '{self.path}' holds no layer '{missing[0]}'; it holds {', '.join(names)}.")
        else:
            self.layers = [layer for name in order for layer in self.layers if layer[0] == name]
        return self

    def tensors(self):
        """The tensors by their names, once each layer reads what the one before it makes."""
        tensors, before = {}, None  # What the layer before makes, and whether that is maps.
        for name, weights, bias in self.layers:
            if f"{name}.weight" in tensors:
                complain(f"'{self.path}' holds two layers '{name}'.")
            inputs, kernels = weights.shape[-2:]
            if weights.ndim == 4:
                # The maps of a convolution in groups are a part of them.
                if before and not (before[1] and before[0] % inputs == 0):
                    self.misfit(name, f"{inputs} maps", before)
                weights = weights.transpose(3, 2, 0, 1)
            else:
                if before and before[1] and inputs != before[0]:
                    # Rows x columns x maps, as they were flattened.
                    side = round((inputs / before[0]) ** 0.5)
                    if side * side * before[0] != inputs:
                        self.misfit(name, f"{inputs} inputs", before)
                    weights = weights.reshape(side, side, before[0], kernels).transpose(2, 0, 1, 3).reshape(inputs, kernels)
                elif before and inputs != before[0]:
                    self.misfit(name, f"{inputs} inputs", before)
                weights = weights.T
            before = kernels, weights.ndim == 4
            for part, array in (("weight", weights), ("bias", bias)):
                tensors[f"{name}.{part}"] = np.ascontiguousarray(array, dtype=np.float32)
        return tensors

    def misfit(self, name, reads, before):
        complain(f"'{name}' in '{self.path}' reads {reads}, and the layer before it makes {before[0]} "
                 f"{'maps' if before[1] else 'numbers'} in the order {', '.join(name for name, _, _ in self.layers)}. Layers one "
                 "after the other are read, and of maps squares; where they are in another order, give it with --order.")


class Arrays(pickle.Unpickler):
    """Reads pickled arrays and plain values, and refuses whatever else would be called."""

    allowed = {("numpy", "ndarray"), ("numpy", "dtype")} | {
        (f"numpy.{core}.multiarray", name) for core in ("core", "_core") for name in ("_reconstruct", "scalar")
    } | {("_codecs", "encode")}

    def find_class(self, module, name):
        if (module, name) not in self.allowed:
            raise pickle.UnpicklingError(f"{module}.{name} would be executed")
        return super().find_class(module, name)


def from_numpy(path, order):
    with open(path, "rb") as file:
        try:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, dtype = read(file)
        except ValueError as error:
            complain(f"'{path}' is cut or damaged, or is no array of NumPy: {error}.")
        if shape != () or dtype != object:
            complain(f"'{path}' is one array {shape}; a dictionary of [weights, biases] a layer is read.")
        try:
            # Python 2 wrote bytes, which latin1 leaves as they are.
            content = Arrays(io.BytesIO(file.read()), encoding="latin1").load()
        except Exception as error:  # Of many types, where a pickle is damaged.
            if "would be executed" in str(error):
                complain(f"'{path}' holds more than arrays ({error}); nothing in it is executed.")
            complain(f"'{path}' is cut or damaged ({type(error).__name__}).")
    content = content.item() if isinstance(content, np.ndarray) and content.shape == () else content
    if not isinstance(content, dict):
        complain(f"'{path}' holds no dictionary of layers.")
    layers = Layers(path)
    for name, value in content.items():
        if isinstance(value, dict):
            value = [value.get("weights"), value.get("biases")]
        if not isinstance(name, str) or not isinstance(value, (list, tuple)) or len(value) not in (1, 2) or value[0] is None:
            complain(f"the layer '{name}' in '{path}' is not [weights, biases].")
        layers.add(name, value[0], value[1] if len(value) == 2 else None)
    return layers.sort(order).tensors(), "numpy"


def from_matconvnet(path):
    import scipy.io

    content = scipy.io.loadmat(path, squeeze_me=True, struct_as_record=False)
    if "layers" not in content:
        complain(f"'{path}' holds no 'layers'; MatConvNet's simple networks are read.")
    if "params" in content:
        complain(f"'{path}' is a DagNN of MatConvNet; only its simple networks are read.")
    tensors = {}
    for layer in np.atleast_1d(content["layers"]):
        # Older files have filters and biases, newer ones the two as weights.
        weights = getattr(layer, "weights", None)
        if weights is None or len(weights) == 0:
            weights = [layer.filters, layer.biases] if hasattr(layer, "filters") else None
        if weights is None:
            continue
        filters, biases = np.asarray(weights[0]), np.asarray(weights[1])
        # Lengths of one in front of the last are left out by the squeezing.
        filters = filters.reshape((1,) * (4 - filters.ndim) + filters.shape)
        if f"{layer.name}.weight" in tensors:
            complain(f"'{path}' holds two layers '{layer.name}'.")
        # Fully-connected layers are convolutions here, and their inputs maps, rows and columns like those of the others.
        tensors[f"{layer.name}.weight"] = np.ascontiguousarray(filters.transpose(3, 2, 0, 1), dtype=np.float32)
        tensors[f"{layer.name}.bias"] = np.ascontiguousarray(biases.reshape(-1), dtype=np.float32)
    return tensors, "numpy"


# Keras' layers without weights that a description can have, and what it has to say of layers.
KERAS_PLAIN = {"InputLayer", "Activation", "ReLU", "Softmax", "MaxPooling2D", "AveragePooling2D", "GlobalAveragePooling2D",
               "GlobalMaxPooling2D", "ZeroPadding2D", "Flatten", "Dropout", "Rescaling", "SpatialDropout2D", "GaussianNoise",
               "GaussianDropout", "ActivityRegularization"}
KERAS_SETTINGS = ("strides", "padding", "groups", "dilation_rate", "pool_size", "activation", "negative_slope", "scale", "offset")


def keras_layers(model):
    """The layers of a model, with those of the models in it."""
    for layer in model.layers:
        yield from keras_layers(layer) if hasattr(layer, "layers") else [layer]


def from_keras(path):
    # Any backend will do: the one that was asked for, or one that is there.
    there = (name for name in ("tensorflow", "torch", "jax") if importlib.util.find_spec(name))
    os.environ.setdefault("KERAS_BACKEND", next(there, "numpy"))
    import keras

    save = "save the whole model: model.save('model.keras')."
    try:
        model = keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Of many types, where a file is damaged or holds layers of others.
        if path.name.lower().endswith(".weights.h5") or "No model config" in str(error):
            complain(f"'{path}' holds weights without a model; {save}")
        complain(f"'{path}' is cut or damaged, or holds what Keras alone does not know ({type(error).__name__}); {save}")
    layers = Layers(path)
    for layer in keras_layers(model):
        kind, weights = type(layer).__name__, layer.get_weights()
        # Pictures are changed at random in training alone.
        if kind not in KERAS_PLAIN | {"Conv2D", "Dense"} and not kind.startswith("Random"):
            complain(f"'{layer.name}' in '{path}' is a {kind}, which no network here has: of the layers with weights, Conv2D and "
                     "Dense are read.")
        config = layer.get_config()
        settings = [f"{name} {config[name]}" for name in KERAS_SETTINGS if config.get(name) is not None]
        print(f"{layer.name}: {' '.join([kind, *settings])}")
        if kind in ("Conv2D", "Dense"):
            if kind == "Conv2D" and layer.data_format != "channels_last":
                complain(f"'{layer.name}' in '{path}' has its maps first; channels_last is read.")
            layers.add(layer.name, weights[0], weights[1] if len(weights) > 1 else None)
    print("Weights alone are written; the description for 'alexnet import --network' has to say the rest of these layers.")
    return layers.tensors(), "numpy"


def from_tensorflow(path, order):
    import tensorflow

    reader = tensorflow.train.load_checkpoint(path)
    parts = {"weights": 0, "kernel": 0, "w": 0, "biases": 1, "bias": 1, "b": 1}
    found = {}
    for name in reader.get_variable_to_shape_map():
        *front, last = name.split("/")
        if last in ("gamma", "beta", "moving_mean", "moving_variance"):
            complain(f"'{name}' in '{path}' is a normalisation's; fold it into the layer before it, and save the network again.")
        # An optimiser's numbers for a variable have a name after the variable's.
        if front and last.lower() in parts:
            found.setdefault("/".join(front), {})[parts[last.lower()]] = reader.get_tensor(name)
    layers = Layers(path)
    for name, parts_found in found.items():
        if 0 in parts_found:
            layers.add(name.split("/")[-1], parts_found[0], parts_found.get(1))
    if not layers.layers:
        complain(f"'{path}' holds no variables LAYER/weights or LAYER/kernel.")
    return layers.sort(order).tensors(), "numpy"


def another_kind(path):
    """What a file is that was downloaded instead of the one of its name, and what to do; nothing where it is none."""
    with open(path, "rb") as file:
        start = file.read(64).lstrip()
    if start.startswith(b"version https://git-lfs"):
        return "only Git LFS's pointer to the file; fetch the file itself with 'git lfs pull'"
    if start.startswith(b"<"):
        return "a web page and not the network; download the file itself"
    if start.startswith((b"\x1f\x8b\x08", b"BZh", b"\xfd7zXZ")):
        return "compressed; unpack it first"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("out")
    parser.add_argument("--key", help="the dictionary of tensors, by the keys that lead there: state_dict")
    parser.add_argument("--order", help="the layers from the pictures on, with commas between them")
    options = parser.parse_args()
    order = options.order.split(",") if options.order else None
    path, name = pathlib.Path(options.file), options.file.lower()
    if not options.out.endswith(".safetensors"):
        complain(f"the name of what is written ends in .safetensors, and '{options.out}' does not.")
    prefix = options.file.removesuffix(".index")
    if pathlib.Path(prefix + ".index").exists():
        tensors, kind = from_tensorflow(prefix, order)
    elif not path.is_file():
        complain(f"there is no file '{path}'.")
    elif other := another_kind(path):
        complain(f"'{path}' is {other}.")
    elif name.endswith(".npy"):
        tensors, kind = from_numpy(path, order)
    elif name.endswith(".mat"):
        tensors, kind = from_matconvnet(path)
    elif name.endswith(".caffemodel.h5"):
        complain(f"'{path}' is Caffe's; save the network with snapshot_format: BINARYPROTO, which 'alexnet import' reads.")
    elif name.endswith((".keras", ".h5", ".hdf5")):
        tensors, kind = from_keras(path)
    else:
        tensors, kind = from_torch(path, options.key)
    if not tensors:
        complain(f"'{path}' holds no layers with weights.")
    if kind == "torch":
        from safetensors.torch import save_file
    else:
        from safetensors.numpy import save_file
    save_file(tensors, options.out)
    for tensor in tensors:
        print(f"{tensor} {list(tensors[tensor].shape)}")


main()
