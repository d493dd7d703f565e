"""Checks an exported ONNX model with onnx.checker, runs it with onnxruntime, and compares with `alexnet features`.

usage: check_onnx.py DATASET LOGITS.npy MODEL.onnx MODEL_WITH_PREPROCESSING.onnx

The pictures are the dataset's training pictures, in their order; LOGITS.npy is what the program makes of them.
"""

import json
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime

from check_training import read_pixels

BOUND = 1e-4


def run(path, feeds):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (name,) = [value.name for value in session.get_inputs()]
    # Another batch each time: the first dimension is free.
    parts = [session.run(["logits", "probabilities"], {name: part}) for part in np.split(feeds, [1, 8])]
    return [np.concatenate(values) for values in zip(*parts)]


def main():
    dataset, logits_path, outside, inside = sys.argv[1:]
    pixels, _ = read_pixels(pathlib.Path(dataset))
    ours = np.load(logits_path)
    pixels = pixels[: len(ours)]
    worst = 0.0
    for path in (outside, inside):
        onnx.checker.check_model(path, full_check=True)
        model = onnx.load(path, load_external_data=False)
        assert model.opset_import[0].version >= 17
        notes = {entry.key: entry.value for entry in model.metadata_props}
        assert len(json.loads(notes["classes"])) == ours.shape[1]
        how = json.loads(notes["preprocessing"])
        if path == inside:
            assert how["input"] == "pixels" and how["layout"] == "NHWC"
            feeds = pixels
        else:
            # What the metadata say, step by step.
            start = (how["imageSide"] - how["inputSide"]) // 2
            end = start + how["inputSide"]
            feeds = pixels[:, start:end, start:end, :].astype(np.float32).transpose(0, 3, 1, 2)
            if "meanFile" in how:
                feeds = feeds - np.load(pathlib.Path(path).parent / how["meanFile"])
            else:
                feeds = feeds - np.array(how["mean"], np.float32)[:, None, None]
            feeds = feeds * np.array(how["factors"], np.float32)[:, None, None]
            if how["channelOrder"] == "BGR":
                feeds = feeds[:, ::-1]
            feeds = np.ascontiguousarray(feeds)
        logits, probabilities = run(path, feeds)
        scaled = np.exp(ours - ours.max(1, keepdims=True))
        worst = max(
            worst,
            np.abs(logits - ours).max() / np.abs(ours).max(),
            np.abs(probabilities - scaled / scaled.sum(1, keepdims=True)).max(),
        )
    good = worst < BOUND
    print(f"{'ok  ' if good else 'FAIL'} {model.graph.name:38} {worst:8.1e}   onnxruntime, bound {BOUND:.0e}")
    sys.exit(0 if good else 1)


main()
