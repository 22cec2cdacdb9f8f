// Tensors: from and to JavaScript's memory in one pass, handed between worker threads, disposed, counted.
#include "napi.h"

namespace ostinato {
namespace {

struct Span {
  void* data;
  size_t bytes;
};

/** The memory of a typed array. */
Span spanOf(napi_env env, napi_value value) {
  bool isTyped = false;
  check(env, napi_is_typedarray(env, value, &isTyped));
  if (!isTyped) throw UsageError("expected a typed array");
  napi_typedarray_type type;
  size_t length = 0;
  Span span{nullptr, 0};
  check(env, napi_get_typedarray_info(env, value, &type, &length, &span.data, nullptr, nullptr));
  static const size_t width[] = {1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8};
  span.bytes = length * width[type];
  return span;
}

/** A tensor over foreign memory, valid while that memory is. */
at::Tensor over(const Span& span, at::IntArrayRef shape, at::ScalarType dtype) {
  int64_t count = 1;
  for (int64_t n : shape) count *= n;
  const size_t wanted = static_cast<size_t>(count) * c10::elementSize(dtype);
  if (wanted != span.bytes) {
    throw UsageError("the shape needs " + std::to_string(wanted) + " bytes of " + dtypeName(dtype) + ", found " + std::to_string(span.bytes));
  }
  return at::from_blob(span.data, shape, at::TensorOptions().dtype(dtype));
}

/** fromBytes(bytes, shape, dtype, device, targetDtype?) → a tensor of its own memory. One copy, the conversion and the move to a
 *  device included. */
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

/** toBytes(tensor, dtype) → a fresh ArrayBuffer, row-major. One copy, conversion included. */
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

/** writeBytes(tensor, bytes, dtype): overwrites a tensor's values, in place, outside autograd. */
ENTRY(writeBytes) {
  napi_env env = call.env;
  at::Tensor tensor = tensorOf(env, call.at(0)).detach();
  tensor.copy_(over(spanOf(env, call.at(1)), tensor.sizes(), dtypeOf(stringOf(env, call.at(2)))));
  return nullptr;
}

/** shapeOf(tensor) → number[]. */
ENTRY(shapeOf) {
  const auto sizes = tensorOf(call.env, call.at(0)).sizes();
  napi_value array;
  check(call.env, napi_create_array_with_length(call.env, sizes.size(), &array));
  for (size_t i = 0; i < sizes.size(); i++) {
    check(call.env, napi_set_element(call.env, array, static_cast<uint32_t>(i), makeNumber(call.env, static_cast<double>(sizes[i]))));
  }
  return array;
}

ENTRY(dtypeNameOf) { return makeString(call.env, dtypeName(tensorOf(call.env, call.at(0)).scalar_type())); }

ENTRY(deviceOf) { return makeString(call.env, tensorOf(call.env, call.at(0)).device().str()); }

/** dispose(tensors): frees their memory now; using one later is an error that says so. */
ENTRY(dispose) {
  napi_env env = call.env;
  uint32_t length = 0;
  check(env, napi_get_array_length(env, call.at(0), &length));
  for (uint32_t i = 0; i < length; i++) {
    napi_value item;
    check(env, napi_get_element(env, call.at(0), i, &item));
    Handle* handle = handleOf(env, item);
    if (handle == nullptr || !handle->tensor.defined()) continue;
    liveHandles -= 1;
    liveBytes -= handle->bytes;
    handle->tensor.reset();
  }
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
