"""Times forward passes of an ONNX file that `alexnet export` has written, by a program that only runs networks.

usage: bench_forward.py FILE.onnx BATCH STEPS onnxruntime|openvino-fp32|openvino-bf16        prints one JSON object
"""

import json
import os
import statistics
import sys
import time

import numpy


def onnxruntime(path, _):
    import onnxruntime as runtime

    options = runtime.SessionOptions()
    options.intra_op_num_threads = os.cpu_count()
    session = runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    source = session.get_inputs()[0]
    return source.shape, lambda x: session.run(None, {source.name: x})


def openvino(path, precision):
    import openvino as ov

    model = ov.Core().read_model(path)
    name, shape = model.inputs[0].any_name, model.inputs[0].partial_shape
    sides = [shape[i].get_length() for i in range(1, 4)]
    compiled = {}

    def run(x):
        # Compiled for the batch, once: its best setting.
        if len(x) not in compiled:
            model.reshape({name: [len(x), *sides]})
            compiled[len(x)] = ov.compile_model(
                model, "CPU", {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
            ).create_infer_request()
        compiled[len(x)].infer([x])

    return [None, *sides], run


def main():
    path, batch, steps, way = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    shape, run = (onnxruntime if way == "onnxruntime" else openvino)(path, "bf16" if way.endswith("bf16") else "f32")

    def median(images, count):
        x = (numpy.random.default_rng(1).random((images, *shape[1:]), numpy.float32) * 255).astype(numpy.float32)
        for _ in range(2):
            run(x)
        times = []
        for _ in range(count):
            start = time.perf_counter()
            run(x)
            times.append(time.perf_counter() - start)
        return statistics.median(times)

    print(json.dumps({"forwardImagesPerSecond": batch / median(batch, steps), "singleSeconds": median(1, 30)}))


main()
