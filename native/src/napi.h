// Node-API helpers: conversion of values between JavaScript and C++, functions callable from JavaScript, and the translation of every
// C++ exception into a JavaScript error that names the operator and the shapes it was called with.
#pragma once
#define NAPI_VERSION 8
#include <node_api.h>

#include <ATen/ATen.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <vector>

namespace ostinato {

/** A wrong value passed by JavaScript; the message says what was expected. */
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/** JavaScript has a pending exception already: return to it without throwing another. */
struct PendingException {};

inline void check(napi_env env, napi_status status) {
  if (status == napi_ok) return;
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  if (pending) throw PendingException();
  const napi_extended_error_info* info = nullptr;
  napi_get_last_error_info(env, &info);
  throw UsageError(info && info->error_message ? info->error_message : "a Node-API call failed");
}

/** One call from JavaScript. Errors name `subject` (the operator, or else the function) and the arguments from `describeFrom` on. */
struct Call {
  static constexpr size_t kMaxArguments = 40;
  napi_env env = nullptr;
  size_t count = kMaxArguments;
  napi_value args[kMaxArguments];
  std::string subject;
  size_t describeFrom = 0;

  /** Argument `i`; undefined where fewer were passed. */
  napi_value at(size_t i) const { return args[i]; }
};

/** What a JavaScript tensor points to. `magic` distinguishes our externals from those of other addons. */
struct Handle {
  static constexpr uint64_t kMagic = 0x6f7374696e61746fULL;
  uint64_t magic = kMagic;
  at::Tensor tensor;
  int64_t bytes = 0;
};

extern std::atomic<int64_t> liveHandles;
extern std::atomic<int64_t> liveBytes;

/** A tensor as an external value; null for an undefined tensor. */
napi_value wrap(napi_env env, at::Tensor tensor);
/** Frees the tensor behind a handle and subtracts it from the counts of live memory. Nothing where that has been done. */
void freeTensor(Handle& handle);
/** The handle of an external, or null where `value` is something else. */
Handle* handleOf(napi_env env, napi_value value);
/** @throws UsageError where `value` is not a tensor or has been disposed. */
at::Tensor& tensorOf(napi_env env, napi_value value);
/** An array of tensors; null and undefined entries become undefined tensors. */
std::vector<at::Tensor> tensorsOf(napi_env env, napi_value array);
napi_value wrapAll(napi_env env, const std::vector<at::Tensor>& tensors);

napi_valuetype typeOf(napi_env env, napi_value value);
/** Whether a value is undefined or null. */
bool isNothing(napi_env env, napi_value value);
double numberOf(napi_env env, napi_value value);
int64_t integerOf(napi_env env, napi_value value);
bool truthOf(napi_env env, napi_value value);
std::string stringOf(napi_env env, napi_value value);
std::vector<int64_t> integersOf(napi_env env, napi_value array);
at::ScalarType dtypeOf(const std::string& name);
const char* dtypeName(at::ScalarType dtype);
napi_value makeString(napi_env env, const std::string& text);
napi_value makeNumber(napi_env env, double value);
napi_value makeBool(napi_env env, bool value);
void setProperty(napi_env env, napi_value object, const char* name, napi_value value);

/** Calls `visit(element)` for each element of a JavaScript array. */
template <typename Visit>
void forEach(napi_env env, napi_value array, Visit visit) {
  uint32_t length = 0;
  check(env, napi_get_array_length(env, array, &length));
  for (uint32_t i = 0; i < length; i++) {
    napi_value element;
    check(env, napi_get_element(env, array, i, &element));
    visit(element);
  }
}

/** A JavaScript array of `make(0)` … `make(length - 1)`. */
template <typename Make>
napi_value makeArray(napi_env env, size_t length, Make make) {
  napi_value array;
  check(env, napi_create_array_with_length(env, length, &array));
  for (size_t i = 0; i < length; i++) check(env, napi_set_element(env, array, static_cast<uint32_t>(i), make(i)));
  return array;
}

/** The message of the exception being handled, without libtorch's C++ backtrace. To be called in a catch block. */
std::string currentReason();
/** The arguments of a call, tensors as dtype[shape]. */
std::string describe(const Call& call);
/** Runs `body`; an exception becomes the JavaScript error "subject(arguments): reason". */
napi_value guarded(napi_env env, napi_callback_info info, const char* name, napi_value (*body)(Call&));

/** Defines a function callable from JavaScript, with its exceptions caught. */
#define ENTRY(name)                                                        \
  static napi_value name##Body(Call& call);                                \
  napi_value name(napi_env env, napi_callback_info info) {                 \
    return guarded(env, info, #name, name##Body);                          \
  }                                                                        \
  static napi_value name##Body([[maybe_unused]] Call& call)

/** Adds a function to the module's exports. */
void expose(napi_env env, napi_value exports, const char* name, napi_callback entry);

void exposeTensors(napi_env env, napi_value exports);
void exposeDispatch(napi_env env, napi_value exports);
void exposeAutograd(napi_env env, napi_value exports);
void exposeRuntime(napi_env env, napi_value exports);
void exposeCollectives(napi_env env, napi_value exports);

}  // namespace ostinato
