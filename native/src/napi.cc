// Node-API helpers: conversion of values, tensor handles, and the translation of exceptions.
#include "napi.h"

#include <c10/util/Exception.h>

#include <cmath>
#include <sstream>

namespace ostinato {

std::atomic<int64_t> liveHandles{0};
std::atomic<int64_t> liveBytes{0};

namespace {

struct DtypeName {
  const char* name;
  at::ScalarType type;
};
constexpr DtypeName kDtypes[] = {
    {"float32", at::kFloat}, {"bfloat16", at::kBFloat16}, {"int64", at::kLong}, {"int32", at::kInt},   {"bool", at::kBool},
    {"float64", at::kDouble}, {"float16", at::kHalf},     {"uint8", at::kByte}, {"int8", at::kChar}, {"int16", at::kShort},
};

/** Called when JavaScript's garbage collector drops a tensor. */
void release(napi_env, void* data, void*) {
  auto* handle = static_cast<Handle*>(data);
  freeTensor(*handle);
  handle->magic = 0;
  delete handle;
}

void describeTensor(const at::Tensor& tensor, std::ostringstream& out) {
  out << dtypeName(tensor.scalar_type()) << "[";
  for (int64_t i = 0; i < tensor.dim(); i++) out << (i ? ", " : "") << tensor.size(i);
  out << "]";
  if (!tensor.is_cpu()) out << " on " << tensor.device().str();
}

void describeValue(napi_env env, napi_value value, std::ostringstream& out, int depth) {
  switch (typeOf(env, value)) {
    case napi_external: {
      Handle* handle = handleOf(env, value);
      if (handle == nullptr || !handle->tensor.defined()) {
        out << "disposed tensor";
      } else {
        describeTensor(handle->tensor, out);
      }
      return;
    }
    case napi_object: {
      bool isArray = false;
      napi_is_array(env, value, &isArray);
      if (!isArray || depth > 1) {
        out << "object";
        return;
      }
      uint32_t length = 0;
      napi_get_array_length(env, value, &length);
      out << "[";
      for (uint32_t i = 0; i < length && i < 8; i++) {
        napi_value item;
        if (napi_get_element(env, value, i, &item) != napi_ok) break;
        if (i) out << ", ";
        describeValue(env, item, out, depth + 1);
      }
      out << (length > 8 ? ", …]" : "]");
      return;
    }
    case napi_undefined:
      out << "default";
      return;
    default: {
      napi_value text;
      if (napi_coerce_to_string(env, value, &text) == napi_ok) out << stringOf(env, text);
    }
  }
}

void throwJs(const Call& call, const std::string& reason) {
  std::string arguments;
  try {
    arguments = describe(call);
  } catch (...) {  // an error while describing must not hide the reason
  }
  // The dispatcher appends a list of all its backends, which says nothing more.
  const std::string first = reason.substr(0, reason.find(" This could be because the operator doesn't exist"));
  napi_throw_error(call.env, "OSTINATO_TORCH", (call.subject + "(" + arguments + "): " + first).c_str());
}

}  // namespace

napi_value guarded(napi_env env, napi_callback_info info, const char* name, napi_value (*body)(Call&)) {
  Call call;
  call.env = env;
  if (napi_get_cb_info(env, info, &call.count, call.args, nullptr, nullptr) != napi_ok) return nullptr;
  try {
    return body(call);
  } catch (const PendingException&) {
    return nullptr;
  } catch (...) {
    if (call.subject.empty()) call.subject = name;
    throwJs(call, currentReason());
  }
  return nullptr;
}

std::string currentReason() {
  try {
    throw;
  } catch (const c10::Error& error) {
    return error.what_without_backtrace();
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "an exception of an unknown type was thrown";
  }
}

std::string describe(const Call& call) {
  std::ostringstream out;
  for (size_t i = call.describeFrom; i < call.count && i < Call::kMaxArguments; i++) {
    if (i > call.describeFrom) out << ", ";
    describeValue(call.env, call.args[i], out, 0);
  }
  return out.str();
}

napi_value wrap(napi_env env, at::Tensor tensor) {
  napi_value value;
  if (!tensor.defined()) {
    check(env, napi_get_null(env, &value));
    return value;
  }
  auto* handle = new Handle();
  handle->bytes = static_cast<int64_t>(tensor.numel() * tensor.element_size());
  handle->tensor = std::move(tensor);
  liveHandles += 1;
  liveBytes += handle->bytes;
  const napi_status status = napi_create_external(env, handle, release, nullptr, &value);
  if (status != napi_ok) release(env, handle, nullptr);
  check(env, status);
  return value;
}

void freeTensor(Handle& handle) {
  if (!handle.tensor.defined()) return;
  liveHandles -= 1;
  liveBytes -= handle.bytes;
  handle.tensor.reset();
}

Handle* handleOf(napi_env env, napi_value value) {
  if (typeOf(env, value) != napi_external) return nullptr;
  void* data = nullptr;
  check(env, napi_get_value_external(env, value, &data));
  auto* handle = static_cast<Handle*>(data);
  return handle != nullptr && handle->magic == Handle::kMagic ? handle : nullptr;
}

at::Tensor& tensorOf(napi_env env, napi_value value) {
  Handle* handle = handleOf(env, value);
  if (handle == nullptr) throw UsageError("expected a tensor");
  if (!handle->tensor.defined()) throw UsageError("a tensor was used after it had been disposed; keep it, or return it from its scope");
  return handle->tensor;
}

std::vector<at::Tensor> tensorsOf(napi_env env, napi_value array) {
  std::vector<at::Tensor> tensors;
  forEach(env, array, [&](napi_value item) { tensors.push_back(isNothing(env, item) ? at::Tensor() : tensorOf(env, item)); });
  return tensors;
}

napi_value wrapAll(napi_env env, const std::vector<at::Tensor>& tensors) {
  return makeArray(env, tensors.size(), [&](size_t i) { return wrap(env, tensors[i]); });
}

napi_valuetype typeOf(napi_env env, napi_value value) {
  napi_valuetype type;
  check(env, napi_typeof(env, value, &type));
  return type;
}

bool isNothing(napi_env env, napi_value value) {
  const napi_valuetype type = typeOf(env, value);
  return type == napi_undefined || type == napi_null;
}

double numberOf(napi_env env, napi_value value) {
  double number = 0;
  if (napi_get_value_double(env, value, &number) != napi_ok) throw UsageError("expected a number");
  return number;
}

int64_t integerOf(napi_env env, napi_value value) {
  const double number = numberOf(env, value);
  if (!(std::trunc(number) == number && std::fabs(number) < 9.2e18)) throw UsageError("expected an integer, found " + std::to_string(number));
  return static_cast<int64_t>(number);
}

bool truthOf(napi_env env, napi_value value) {
  bool truth = false;
  if (napi_get_value_bool(env, value, &truth) != napi_ok) throw UsageError("expected true or false");
  return truth;
}

std::string stringOf(napi_env env, napi_value value) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) != napi_ok) throw UsageError("expected a string");
  std::string text(length, '\0');
  check(env, napi_get_value_string_utf8(env, value, &text[0], length + 1, &length));
  return text;
}

std::vector<int64_t> integersOf(napi_env env, napi_value array) {
  std::vector<int64_t> numbers;
  forEach(env, array, [&](napi_value item) { numbers.push_back(integerOf(env, item)); });
  return numbers;
}

at::ScalarType dtypeOf(const std::string& name) {
  for (const auto& entry : kDtypes) {
    if (name == entry.name) return entry.type;
  }
  throw UsageError("there is no dtype \"" + name + "\"");
}

const char* dtypeName(at::ScalarType dtype) {
  for (const auto& entry : kDtypes) {
    if (dtype == entry.type) return entry.name;
  }
  return c10::toString(dtype);
}

napi_value makeString(napi_env env, const std::string& text) {
  napi_value value;
  check(env, napi_create_string_utf8(env, text.data(), text.size(), &value));
  return value;
}

napi_value makeNumber(napi_env env, double number) {
  napi_value value;
  check(env, napi_create_double(env, number, &value));
  return value;
}

napi_value makeBool(napi_env env, bool truth) {
  napi_value value;
  check(env, napi_get_boolean(env, truth, &value));
  return value;
}

void setProperty(napi_env env, napi_value object, const char* name, napi_value value) {
  check(env, napi_set_named_property(env, object, name, value));
}

void expose(napi_env env, napi_value exports, const char* name, napi_callback entry) {
  napi_value function;
  check(env, napi_create_function(env, name, NAPI_AUTO_LENGTH, entry, nullptr, &function));
  check(env, napi_set_named_property(env, exports, name, function));
}

}  // namespace ostinato
