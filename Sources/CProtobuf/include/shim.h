// Messages of ONNX, Caffe and TensorBoard (protobuf-c): what CompileSchemas makes of their schemas.
#pragma once
#include "caffe.pb-c.h"
#include "event.pb-c.h"
#include "onnx.pb-c.h"
