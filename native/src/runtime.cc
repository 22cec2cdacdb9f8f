// Runtime: initialisation of the module, threads, devices, random state, memory.
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <malloc.h>

#include "napi.h"

namespace ostinato {
namespace {

const c10::impl::DeviceGuardImplInterface* guardOf(c10::DeviceType type) {
  return c10::impl::hasDeviceGuardImpl(type) ? c10::impl::getDeviceGuardImpl(type) : nullptr;
}

/** setThreads(n): number of threads of an operator, for the calling thread. Debian's libtorch starts with one. */
ENTRY(setThreads) {
  at::set_num_threads(static_cast<int>(integerOf(call.env, call.at(0))));
  return nullptr;
}

ENTRY(getThreads) { return makeNumber(call.env, at::get_num_threads()); }

/** deviceCount("cuda") → number of devices; 0 where this libtorch was built without CUDA. */
ENTRY(deviceCount) {
  const auto* guard = guardOf(c10::Device(stringOf(call.env, call.at(0))).type());
  return makeNumber(call.env, guard == nullptr ? 0 : static_cast<double>(guard->deviceCount()));
}

/** setDevice("cuda:1"): the current device of the calling thread, for collectives and for operators that name none. */
ENTRY(setDevice) {
  const c10::Device device(stringOf(call.env, call.at(0)));
  const auto* guard = guardOf(device.type());
  if (guard == nullptr) throw UsageError("this libtorch was built without " + device.str());
  if (device.has_index()) guard->setDevice(device);
  return nullptr;
}

/** synchronize(device): waits until the device has finished the work in its current stream. */
ENTRY(synchronize) {
  const c10::Device device(stringOf(call.env, call.at(0)));
  const auto* guard = guardOf(device.type());
  if (guard == nullptr || device.is_cpu()) return nullptr;
  guard->synchronizeStream(guard->getStream(device.has_index() ? device : guard->getDevice()));
  return nullptr;
}

at::Generator generatorOf(napi_env env, napi_value device) { return at::globalContext().defaultGenerator(c10::Device(stringOf(env, device))); }

/** seed(device, number): seeds the device's random generator. */
ENTRY(seed) {
  at::Generator generator = generatorOf(call.env, call.at(0));
  std::lock_guard<std::mutex> guard(generator.mutex());
  generator.set_current_seed(static_cast<uint64_t>(integerOf(call.env, call.at(1))));
  return nullptr;
}

/** randomState(device) → the generator's state as a uint8 tensor on the CPU. */
ENTRY(randomState) {
  at::Generator generator = generatorOf(call.env, call.at(0));
  std::lock_guard<std::mutex> guard(generator.mutex());
  return wrap(call.env, generator.get_state());
}

ENTRY(setRandomState) {
  at::Generator generator = generatorOf(call.env, call.at(0));
  std::lock_guard<std::mutex> guard(generator.mutex());
  generator.set_state(tensorOf(call.env, call.at(1)));
  return nullptr;
}

/** setTf32(on): whether a GPU may compute float32 products in TF32, with 10 bits of fraction. libtorch's default is on for convolutions. */
ENTRY(setTf32) {
  const bool on = truthOf(call.env, call.at(0));
  at::globalContext().setAllowTF32CuDNN(on);
  at::globalContext().setAllowTF32CuBLAS(on);
  return nullptr;
}

/** memory() → { tensors, tensorBytes, heapBytes }: live handles, their bytes (views count in full), and bytes allocated by malloc. */
ENTRY(memory) {
  napi_env env = call.env;
  const struct mallinfo2 heap = mallinfo2();
  napi_value report;
  check(env, napi_create_object(env, &report));
  setProperty(env, report, "tensors", makeNumber(env, static_cast<double>(liveHandles.load())));
  setProperty(env, report, "tensorBytes", makeNumber(env, static_cast<double>(liveBytes.load())));
  setProperty(env, report, "heapBytes", makeNumber(env, static_cast<double>(heap.uordblks + heap.hblkhd)));
  return report;
}

/** build() → { version } of the libtorch that the addon was built against. */
ENTRY(build) {
  napi_env env = call.env;
  napi_value report;
  check(env, napi_create_object(env, &report));
  setProperty(env, report, "version", makeString(env, OSTINATO_TORCH_VERSION));
  return report;
}

/** Each layer allocates and frees activations of tens of megabytes. From the heap they reuse their pages; from mmap the kernel would zero
 *  new ones each time (19 to 23 % of the CPU time of a forward pass). */
void tuneMalloc() {
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, 2147483647);
  mallopt(M_TOP_PAD, 64 << 20);
}

}  // namespace

void exposeRuntime(napi_env env, napi_value exports) {
  static const bool tuned = (tuneMalloc(), true);
  (void)tuned;
  expose(env, exports, "setThreads", setThreads);
  expose(env, exports, "getThreads", getThreads);
  expose(env, exports, "deviceCount", deviceCount);
  expose(env, exports, "setDevice", setDevice);
  expose(env, exports, "synchronize", synchronize);
  expose(env, exports, "seed", seed);
  expose(env, exports, "randomState", randomState);
  expose(env, exports, "setRandomState", setRandomState);
  expose(env, exports, "setTf32", setTf32);
  expose(env, exports, "memory", memory);
  expose(env, exports, "build", build);
}

}  // namespace ostinato

NAPI_MODULE_INIT() {
  using namespace ostinato;
  try {
    exposeTensors(env, exports);
    exposeDispatch(env, exports);
    exposeAutograd(env, exports);
    exposeRuntime(env, exports);
    exposeCollectives(env, exports);
  } catch (const PendingException&) {
  } catch (...) {
    napi_throw_error(env, "OSTINATO_TORCH", currentReason().c_str());
  }
  return exports;
}
