// Messages of ONNX and Caffe (protobuf-c): what CompileSchemas makes of their schemas.
#pragma once
#include "caffe.pb-c.h"
#include "onnx.pb-c.h"
