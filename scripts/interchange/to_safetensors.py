#!/usr/bin/env python3
"""Makes a safetensors file, which 'alexnet import' reads, of weights that only the programs that wrote them read well.

usage: to_safetensors.py FILE OUT.safetensors [--key WORD]

  .pth .pt .bin .pkl .ckpt .pth.tar    PyTorch, Lightning: torch. Dictionaries inside dictionaries are searched for the one
                                       that holds tensors; --key names it where there are several.
  .keras .h5                           Keras: keras, with any backend. Convolutions and dense layers in their order.
  checkpoint.index, or its prefix      TensorFlow: tensorflow. Variables LAYER/weights (or kernel) and LAYER/biases (or bias).
  .npy                                 a dictionary of [weights, biases] a layer, as U Toronto's bvlc_alexnet.npy: numpy.
  .mat                                 MatConvNet: scipy.

Needs numpy, safetensors and the package of the format. PyTorch's tensors keep their names; elsewhere layers are called as the
file calls them, and weights lie as PyTorch's do afterwards: kernels x maps x rows x columns, neurons x inputs, where the
inputs of the first layer after the convolutions are maps x rows x columns. Nothing in a file is executed: pickled
objects other than arrays and plain values are refused.
"""

import argparse
import importlib.util
import io
import os
import pathlib
import pickle
import sys

import numpy as np


def complain(text):
    sys.exit(f"to_safetensors.py: {text}")


# PyTorch

def from_torch(path, key):
    import torch

    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        reason = str(error).splitlines()[0]
        complain(f"'{path}' holds more than tensors and plain values, which would have to be executed ({reason}). Save "
                 "model.state_dict() where the model is defined.")
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
    # Tensors may share memory, be views, lie on a GPU or want gradients: none of that is a file's.
    return {name: tensor.detach().cpu().contiguous().clone() for name, tensor in found[key].items()}, "torch"


def tensor_dictionaries(value, place, kind):
    """The dictionaries with named weights in a value, by the keys that lead there."""
    if not isinstance(value, dict):
        return
    tensors = {name: tensor for name, tensor in value.items() if isinstance(tensor, kind) and isinstance(name, str)}
    if any(name.endswith("weight") for name in tensors):
        yield place or "whole", tensors
    for name, inner in value.items():
        yield from tensor_dictionaries(inner, f"{place}.{name}" if place else str(name), kind)


# Layers whose weights lie otherwise

class Layers:
    """Collects layers in their order and turns their weights into PyTorch's layout."""

    def __init__(self, path):
        self.path, self.tensors, self.maps = path, {}, None

    def convolution(self, name, weights, bias):
        """Weights as rows x columns x maps x kernels."""
        self.add(name, weights.transpose(3, 2, 0, 1), bias)
        self.maps = weights.shape[3]

    def dense(self, name, weights, bias):
        """Weights as inputs x neurons; the inputs of the first one are rows x columns x maps."""
        inputs, neurons = weights.shape
        if self.maps is not None and inputs != self.maps:
            side = round((inputs / self.maps) ** 0.5)
            if side * side * self.maps != inputs:
                complain(f"'{name}' in '{self.path}' has {inputs} inputs, which are no square of {self.maps} maps.")
            weights = weights.reshape(side, side, self.maps, neurons).transpose(2, 0, 1, 3).reshape(inputs, neurons)
        self.maps = None
        self.add(name, weights.T, bias)

    def add(self, name, weights, bias):
        if f"{name}.weight" in self.tensors:
            complain(f"'{self.path}' holds two layers '{name}'.")
        bias = np.zeros(weights.shape[0]) if bias is None else np.asarray(bias).reshape(-1)
        for part, array in (("weight", weights), ("bias", bias)):
            self.tensors[f"{name}.{part}"] = np.ascontiguousarray(array, dtype=np.float32)

    def either(self, name, weights, bias):
        if weights.ndim not in (2, 4):
            complain(f"'{name}' in '{self.path}' has weights of shape {weights.shape}; two or four lengths are read.")
        (self.convolution if weights.ndim == 4 else self.dense)(name, weights, bias)


def in_order(names):
    """Layers' names as networks have them: convolutions, then dense ones, each by their numbers."""
    number = lambda name: int("".join(filter(str.isdigit, name)) or 0)
    return sorted(names, key=lambda name: (number(name), name))


class Arrays(pickle.Unpickler):
    """Reads pickled arrays and plain values, and refuses whatever else would be called."""

    allowed = {("numpy", "ndarray"), ("numpy", "dtype")} | {
        (f"numpy.{core}.multiarray", name) for core in ("core", "_core") for name in ("_reconstruct", "scalar")
    } | {("_codecs", "encode")}

    def find_class(self, module, name):
        if (module, name) not in self.allowed:
            raise pickle.UnpicklingError(f"{module}.{name} would be executed")
        return super().find_class(module, name)


def from_numpy(path):
    with open(path, "rb") as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
        if shape != () or dtype != object:
            complain(f"'{path}' is one array {shape}; a dictionary of [weights, biases] a layer is read.")
        try:
            # Python 2 wrote bytes, which latin1 leaves as they are.
            content = Arrays(io.BytesIO(file.read()), encoding="latin1").load()
        except pickle.UnpicklingError as error:
            complain(f"'{path}' holds more than arrays ({error}); nothing in it is executed.")
    content = content.item() if isinstance(content, np.ndarray) else content
    if not isinstance(content, dict):
        complain(f"'{path}' holds no dictionary of layers.")
    layers = Layers(path)
    for name in in_order(content):
        value = content[name]
        weights, bias = (value["weights"], value.get("biases")) if isinstance(value, dict) else (value[0], value[1])
        layers.either(name, np.asarray(weights), bias)
    return layers.tensors, "numpy"


def from_matconvnet(path):
    import scipy.io

    content = scipy.io.loadmat(path, squeeze_me=True, struct_as_record=False)
    if "layers" not in content:
        complain(f"'{path}' holds no 'layers'; MatConvNet's simple networks are read.")
    layers = Layers(path)
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
        layers.add(layer.name, filters.transpose(3, 2, 0, 1), biases)
    return layers.tensors, "numpy"


def from_keras(path):
    # Any backend will do: the one that was asked for, or one that is there.
    there = (name for name in ("tensorflow", "torch", "jax") if importlib.util.find_spec(name))
    os.environ.setdefault("KERAS_BACKEND", next(there, "numpy"))
    import keras

    model = keras.models.load_model(path, compile=False, safe_mode=True)
    layers = Layers(path)
    for layer in model.layers:
        kind, weights = type(layer).__name__, layer.get_weights()
        if kind in ("Conv2D", "Dense"):
            if kind == "Conv2D" and layer.data_format != "channels_last":
                complain(f"'{layer.name}' in '{path}' has its maps first; channels_last is read.")
            layers.either(layer.name, weights[0], weights[1] if len(weights) > 1 else None)
        elif weights:
            complain(f"'{layer.name}' in '{path}' is a {kind} with weights; Conv2D and Dense are read.")
    return layers.tensors, "numpy"


def from_tensorflow(path):
    import tensorflow

    reader = tensorflow.train.load_checkpoint(path)
    parts = {"weights": 0, "kernel": 0, "w": 0, "biases": 1, "bias": 1, "b": 1}
    found = {}
    for name in reader.get_variable_to_shape_map():
        *front, last = name.split("/")
        # An optimiser's numbers for a variable have a name after the variable's.
        if front and last.lower() in parts:
            found.setdefault("/".join(front), {})[parts[last.lower()]] = reader.get_tensor(name)
    layers = Layers(path)
    for name in in_order(found):
        if 0 in found[name]:
            layers.either(name.split("/")[-1], found[name][0], found[name].get(1))
    if not layers.tensors:
        complain(f"'{path}' holds no variables LAYER/weights or LAYER/kernel.")
    return layers.tensors, "numpy"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("out")
    parser.add_argument("--key", help="the dictionary of tensors, by the keys that lead there: state_dict")
    options = parser.parse_args()
    path, name = pathlib.Path(options.file), options.file.lower()
    if not options.out.endswith(".safetensors"):
        complain(f"the name of what is written ends in .safetensors, and '{options.out}' does not.")
    prefix = options.file.removesuffix(".index")
    if pathlib.Path(prefix + ".index").exists():
        tensors, kind = from_tensorflow(prefix)
    elif not path.is_file():
        complain(f"there is no file '{path}'.")
    elif name.endswith(".npy"):
        tensors, kind = from_numpy(path)
    elif name.endswith(".mat"):
        tensors, kind = from_matconvnet(path)
    elif name.endswith((".keras", ".h5", ".hdf5")):
        tensors, kind = from_keras(path)
    else:
        tensors, kind = from_torch(path, options.key)
    if kind == "torch":
        from safetensors.torch import save_file
    else:
        from safetensors.numpy import save_file
    save_file(tensors, options.out)
    for tensor in tensors:
        print(f"{tensor} {list(tensors[tensor].shape)}")


main()
