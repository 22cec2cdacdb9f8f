// Tensors: conversion from and to the memory of typed arrays, shape and dtype, disposal.
#include <iterator>

#include "napi.h"

namespace ostinato {
namespace {

struct Span {
  void* data;
  size_t bytes;
};

/** Bytes of an element of a typed array, in the order of napi_typedarray_type; the last is Float16Array, which Node 24 added. */
constexpr size_t kElementBytes[] = {1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8, 2};

/** The memory of a typed array. */
Span spanOf(napi_env env, napi_value value) {
  bool isTyped = false;
  check(env, napi_is_typedarray(env, value, &isTyped));
  if (!isTyped) throw UsageError("expected a typed array");
  napi_typedarray_type type;
  size_t length = 0;
  Span span{nullptr, 0};
  check(env, napi_get_typedarray_info(env, value, &type, &length, &span.data, nullptr, nullptr));
  if (static_cast<size_t>(type) >= std::size(kElementBytes)) throw UsageError("this kind of typed array is not supported");
  span.bytes = length * kElementBytes[type];
  return span;
}

/** A tensor that shares the memory of `span` and is valid as long as it is. */
at::Tensor over(const Span& span, at::IntArrayRef shape, at::ScalarType dtype) {
  size_t needed = c10::elementSize(dtype);
  for (int64_t size : shape) {
    if (size < 0) throw UsageError("the shape has the negative size " + std::to_string(size));
    if (__builtin_mul_overflow(needed, static_cast<size_t>(size), &needed)) throw UsageError("the shape has too many elements");
  }
  if (needed != span.bytes) {
    throw UsageError("the shape needs " + std::to_string(needed) + " bytes of " + dtypeName(dtype) + ", found " + std::to_string(span.bytes));
  }
  return at::from_blob(span.data, shape, at::TensorOptions().dtype(dtype));
}

/** fromBytes(bytes, shape, dtype, device, targetDtype?) → a tensor with memory of its own. One copy converts and moves to the device. */
ENTRY(fromBytes) {
  napi_env env = call.env;
  const auto dtype = dtypeOf(stringOf(env, call.at(2)));
  const auto shape = integersOf(env, call.at(1));
  const at::Tensor host = over(spanOf(env, call.at(0)), shape, dtype);
  const auto target = call.count > 4 && !isNothing(env, call.at(4)) ? dtypeOf(stringOf(env, call.at(4))) : dtype;
  at::Tensor tensor = at::empty(shape, at::TensorOptions().dtype(target).device(c10::Device(stringOf(env, call.at(3)))));
  tensor.copy_(host);
  return wrap(env, tensor);
}

/** toBytes(tensor, dtype) → a new ArrayBuffer, row-major. One copy converts and moves to the host. */
ENTRY(toBytes) {
  napi_env env = call.env;
  const at::Tensor tensor = tensorOf(env, call.at(0)).detach();
  const auto dtype = dtypeOf(stringOf(env, call.at(1)));
  void* data = nullptr;
  napi_value buffer;
  const size_t bytes = static_cast<size_t>(tensor.numel()) * c10::elementSize(dtype);
  check(env, napi_create_arraybuffer(env, bytes, &data, &buffer));
  if (bytes > 0) over({data, bytes}, tensor.sizes(), dtype).copy_(tensor);
  return buffer;
}

/** writeBytes(tensor, bytes, dtype): overwrites a tensor's values in place, without recording it for gradients. */
ENTRY(writeBytes) {
  napi_env env = call.env;
  at::Tensor tensor = tensorOf(env, call.at(0)).detach();
  tensor.copy_(over(spanOf(env, call.at(1)), tensor.sizes(), dtypeOf(stringOf(env, call.at(2)))));
  return nullptr;
}

/** shapeOf(tensor) → number[]. */
ENTRY(shapeOf) {
  const auto sizes = tensorOf(call.env, call.at(0)).sizes();
  return makeArray(call.env, sizes.size(), [&](size_t i) { return makeNumber(call.env, static_cast<double>(sizes[i])); });
}

ENTRY(dtypeNameOf) { return makeString(call.env, dtypeName(tensorOf(call.env, call.at(0)).scalar_type())); }

ENTRY(deviceOf) { return makeString(call.env, tensorOf(call.env, call.at(0)).device().str()); }

/** dispose(tensors): frees their memory now. Using one of them later is an error. */
ENTRY(dispose) {
  forEach(call.env, call.at(0), [&](napi_value item) {
    if (Handle* handle = handleOf(call.env, item)) freeTensor(*handle);
  });
  return nullptr;
}

}  // namespace

void exposeTensors(napi_env env, napi_value exports) {
  expose(env, exports, "fromBytes", fromBytes);
  expose(env, exports, "toBytes", toBytes);
  expose(env, exports, "writeBytes", writeBytes);
  expose(env, exports, "shapeOf", shapeOf);
  expose(env, exports, "dtypeOf", dtypeNameOf);
  expose(env, exports, "deviceOf", deviceOf);
  expose(env, exports, "dispose", dispose);
}

}  // namespace ostinato
