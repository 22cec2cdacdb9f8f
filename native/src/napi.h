// The boundary's grammar: how a C++ function becomes a JavaScript one, how values cross, and how every C++ exception turns into
// a JavaScript error that says which operator failed on which shapes.
#pragma once
#define NAPI_VERSION 8
#include <node_api.h>

#include <ATen/ATen.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <vector>

namespace ostinato {

/** A wrong value handed over by JavaScript; its message is the whole error. */
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/** JavaScript already has a pending exception: unwind to the entry and return. */
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

/** One call from JavaScript. `subject` names what failed in an error: the operator, or the entry itself. */
struct Call {
  static constexpr size_t kMost = 40;
  napi_env env;
  size_t count = kMost;
  napi_value args[kMost];
  std::string subject;
  size_t describeFrom = 0;

  napi_value at(size_t i) const { return args[i]; }
};

/** What lies behind a JavaScript tensor. `magic` tells our externals from anybody else's. */
struct Handle {
  static constexpr uint64_t kMagic = 0x6f7374696e61746fULL;
  uint64_t magic = kMagic;
  at::Tensor tensor;
  int64_t bytes = 0;
};

extern std::atomic<int64_t> liveHandles;
extern std::atomic<int64_t> liveBytes;

/** A tensor as an external value; null where it is undefined. */
napi_value wrap(napi_env env, at::Tensor tensor);
/** The handle of an external, or null where `value` is something else. */
Handle* handleOf(napi_env env, napi_value value);
/** @throws UsageError where `value` is no tensor or one already disposed. */
at::Tensor& tensorOf(napi_env env, napi_value value);
/** An array of tensors; null and undefined entries become undefined tensors. */
std::vector<at::Tensor> tensorsOf(napi_env env, napi_value array);
napi_value wrapAll(napi_env env, const std::vector<at::Tensor>& tensors);

napi_valuetype typeOf(napi_env env, napi_value value);
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

/** The arguments of a failed call, tensors as dtype[shape]. */
std::string describe(const Call& call);
/** Runs `body`; whatever it throws becomes a JavaScript error "subject(arguments): reason". */
napi_value guarded(napi_env env, napi_callback_info info, const char* name, napi_value (*body)(Call&));

/** Defines a function callable from JavaScript, its exceptions caught. */
#define ENTRY(name)                                                        \
  static napi_value name##Body(Call& call);                                \
  napi_value name(napi_env env, napi_callback_info info) {                 \
    return guarded(env, info, #name, name##Body);                          \
  }                                                                        \
  static napi_value name##Body(Call& call)

/** Adds an entry to the module's exports. */
void expose(napi_env env, napi_value exports, const char* name, napi_callback entry);

void exposeTensors(napi_env env, napi_value exports);
void exposeDispatch(napi_env env, napi_value exports);
void exposeAutograd(napi_env env, napi_value exports);
void exposeRuntime(napi_env env, napi_value exports);
void exposeCollectives(napi_env env, napi_value exports);

}  // namespace ostinato
