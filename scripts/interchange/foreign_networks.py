"""Makes networks as others publish them, with random weights, and what PyTorch makes of a dataset's pictures.

usage: foreign_networks.py DATASET FOLDER

Writes into FOLDER torchvision.safetensors and caffe.caffemodel (both formats), mean.binaryproto, grouped.npz, and the
logits torchvision.npy, caffe.npy, caffe-mean.npy, grouped.npy.
"""

import pathlib
import sys

import numpy as np
import torch
import torchvision
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from safetensors.torch import save_file
from torch import nn

from alexnet_torch import AlexNet
from check_training import read_pixels


def caffe_messages():
    """The few messages of Caffe's format that hold weights, described here once more, apart from the program's."""
    file = descriptor_pb2.FileDescriptorProto(name="caffe-check.proto", package="caffe", syntax="proto2")
    kinds = {"string": 9, "float": 2, "int32": 5, "int64": 3, "message": 11}

    def message(name, *fields):
        kind = file.message_type.add(name=name)
        for field, number, repeated, of in fields:
            entry = kind.field.add(name=field, number=number, label=3 if repeated else 1)
            entry.type = kinds.get(of, 11)
            if of not in kinds:
                entry.type_name = ".caffe." + of
            elif repeated and of in ("float", "int64"):
                entry.options.packed = True

    message("BlobShape", ("dim", 1, True, "int64"))
    message(
        "BlobProto", ("num", 1, False, "int32"), ("channels", 2, False, "int32"), ("height", 3, False, "int32"),
        ("width", 4, False, "int32"), ("data", 5, True, "float"), ("diff", 6, True, "float"),
        ("shape", 7, False, "BlobShape"),
    )
    message("ConvolutionParameter", ("pad", 3, True, "int32"), ("kernel_size", 4, True, "int32"), ("group", 5, False, "int32"),
            ("stride", 6, True, "int32"))
    message("LRNParameter", ("local_size", 1, False, "int32"), ("alpha", 2, False, "float"), ("beta", 3, False, "float"))
    message("PoolingParameter", ("kernel_size", 2, False, "int32"), ("stride", 3, False, "int32"))
    message("V1LayerParameter", ("bottom", 2, True, "string"), ("top", 3, True, "string"), ("name", 4, False, "string"),
            ("type", 5, False, "int32"), ("blobs", 6, True, "BlobProto"), ("convolution_param", 10, False, "ConvolutionParameter"),
            ("lrn_param", 18, False, "LRNParameter"), ("pooling_param", 19, False, "PoolingParameter"))
    message("LayerParameter", ("name", 1, False, "string"), ("type", 2, False, "string"), ("bottom", 3, True, "string"),
            ("top", 4, True, "string"), ("blobs", 7, True, "BlobProto"), ("convolution_param", 106, False, "ConvolutionParameter"),
            ("lrn_param", 118, False, "LRNParameter"), ("pooling_param", 121, False, "PoolingParameter"))
    message("NetParameter", ("name", 1, False, "string"), ("layers", 2, True, "V1LayerParameter"),
            ("layer", 100, True, "LayerParameter"))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName("caffe." + name))
        for name in ("BlobProto", "NetParameter")
    }


CAFFE_TYPES = {
    nn.Conv2d: ("Convolution", 4), nn.Linear: ("InnerProduct", 14), nn.LocalResponseNorm: ("LRN", 15), nn.MaxPool2d: ("Pooling", 17),
    nn.ReLU: ("ReLU", 18), nn.Flatten: ("Flatten", 8),
}


def fill(blob, array, old):
    if old:
        blob.num, blob.channels, blob.height, blob.width = (1,) * (4 - array.ndim) + array.shape
    else:
        blob.shape.dim.extend(array.shape)
    blob.data.extend(array.ravel().tolist())


class CaffeAlexNet(nn.Module):
    """bvlc_alexnet: norms across all maps, k = 1, alpha / n; groups; 227 pixels."""

    def __init__(self, classes):
        super().__init__()
        norm = lambda: nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1)
        pool = lambda: nn.MaxPool2d(3, 2, ceil_mode=True)
        self.layers = nn.ModuleDict({
            "conv1": nn.Conv2d(3, 96, 11, 4), "relu1": nn.ReLU(), "norm1": norm(), "pool1": pool(),
            "conv2": nn.Conv2d(96, 256, 5, padding=2, groups=2), "relu2": nn.ReLU(), "norm2": norm(), "pool2": pool(),
            "conv3": nn.Conv2d(256, 384, 3, padding=1), "relu3": nn.ReLU(),
            "conv4": nn.Conv2d(384, 384, 3, padding=1, groups=2), "relu4": nn.ReLU(),
            "conv5": nn.Conv2d(384, 256, 3, padding=1, groups=2), "relu5": nn.ReLU(), "pool5": pool(),
            "flat": nn.Flatten(), "fc6": nn.Linear(9216, 4096), "relu6": nn.ReLU(),
            "fc7": nn.Linear(4096, 4096), "relu7": nn.ReLU(), "fc8": nn.Linear(4096, classes),
        })

    def forward(self, x):
        for layer in self.layers.values():
            x = layer(x)
        return x


def crop(pixels, side):
    start = (pixels.shape[1] - side) // 2
    maps = pixels[:, start : start + side, start : start + side].transpose(0, 3, 1, 2)
    return torch.from_numpy(np.ascontiguousarray(maps)).float()


def main():
    dataset, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    pixels, _ = read_pixels(dataset)
    torch.manual_seed(7)

    with torch.no_grad():
        model = torchvision.models.alexnet(weights=None).eval()
        save_file(model.state_dict(), folder / "torchvision.safetensors")
        normalize = torchvision.transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
        x = normalize(crop(pixels, 224) / 255)
        np.save(folder / "torchvision.npy", model.double()(x.double()).float().numpy())

        model = CaffeAlexNet(1000).eval()
        x = crop(pixels, 227).double()[:, [2, 1, 0]]
        colour = torch.tensor([104.00698793, 116.66876762, 122.67891434], dtype=torch.float64)
        np.save(folder / "caffe.npy", model.double()(x - colour[:, None, None]).float().numpy())
        # A mean image of 256 x 256 pixels in B, G, R, cropped with the picture.
        mean = np.random.default_rng(3).uniform(80, 140, (3, 256, 256)).astype(np.float32)
        shown = torch.from_numpy(mean[:, 14:241, 14:241]).double()
        np.save(folder / "caffe-mean.npy", model(x - shown).float().numpy())
        kinds = caffe_messages()
        blob = kinds["BlobProto"]()
        fill(blob, mean[None], old=True)
        (folder / "mean.binaryproto").write_bytes(blob.SerializeToString())
        for old in (False, True):
            net = kinds["NetParameter"](name="AlexNet")
            previous = "data"
            for name, layer in model.float().layers.items():
                kind, number = CAFFE_TYPES[type(layer)]
                entry = (net.layers if old else net.layer).add(name=name, type=number if old else kind)
                entry.bottom.append(previous)
                entry.top.append(name)
                previous = name
                if kind == "Convolution":
                    how = entry.convolution_param
                    how.pad.append(layer.padding[0])
                    how.kernel_size.append(layer.kernel_size[0])
                    how.stride.append(layer.stride[0])
                    how.group = layer.groups
                if kind == "LRN":
                    entry.lrn_param.local_size, entry.lrn_param.alpha, entry.lrn_param.beta = layer.size, layer.alpha, layer.beta
                if kind == "Pooling":
                    entry.pooling_param.kernel_size, entry.pooling_param.stride = layer.kernel_size, layer.stride
                if hasattr(layer, "weight"):
                    fill(entry.blobs.add(), layer.weight.numpy(), old)
                    fill(entry.blobs.add(), layer.bias.numpy(), old)
            name = "caffe-old.caffemodel" if old else "caffe.caffemodel"
            (folder / name).write_bytes(net.SerializeToString())

        model = AlexNet(1000).eval()
        np.savez(folder / "grouped.npz", **{name: value.numpy() for name, value in model.state_dict().items()})
        colour = 255 * torch.tensor([0.485, 0.456, 0.406], dtype=torch.float64)
        x = crop(pixels, 224).double() - colour[:, None, None]
        np.save(folder / "grouped.npy", model.double()(x).float().numpy())


main()
