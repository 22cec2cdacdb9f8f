// The runtime: module start, threads, devices, random state, memory accounting.
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

/** setThreads(n) for the thread that calls; Debian's build starts with one. */
ENTRY(setThreads) {
  at::set_num_threads(static_cast<int>(integerOf(call.env, call.at(0))));
  return nullptr;
}

ENTRY(getThreads) { return makeNumber(call.env, at::get_num_threads()); }

/** deviceCount("cuda") → how many there are; 0 where this libtorch was built without. */
ENTRY(deviceCount) {
  const auto* guard = guardOf(c10::Device(stringOf(call.env, call.at(0))).type());
  return makeNumber(call.env, guard == nullptr ? 0 : static_cast<double>(guard->deviceCount()));
}

/** setDevice("cuda:1"): where operators that name no device, and collectives, work from now on in this thread. */
ENTRY(setDevice) {
  const c10::Device device(stringOf(call.env, call.at(0)));
  const auto* guard = guardOf(device.type());
  if (guard == nullptr) throw UsageError("this libtorch was built without " + device.str());
  if (device.has_index()) guard->setDevice(device);
  return nullptr;
}

/** synchronize(device): waits until the device has done all that was asked of its current stream. */
ENTRY(synchronize) {
  const c10::Device device(stringOf(call.env, call.at(0)));
  const auto* guard = guardOf(device.type());
  if (guard == nullptr || device.is_cpu()) return nullptr;
  guard->synchronizeStream(guard->getStream(device.has_index() ? device : guard->getDevice()));
  return nullptr;
}

at::Generator generatorOf(napi_env env, napi_value device) { return at::globalContext().defaultGenerator(c10::Device(stringOf(env, device))); }

/** seed(device, number): restarts the device's generator. */
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

/** setTf32(on): whether a GPU may round float32 products to 10 bits of fraction. libtorch allows it in convolutions by default. */
ENTRY(setTf32) {
  const bool on = truthOf(call.env, call.at(0));
  at::globalContext().setAllowTF32CuDNN(on);
  at::globalContext().setAllowTF32CuBLAS(on);
  return nullptr;
}

/** memory() → { tensors, tensorBytes, heapBytes }: live handles, their bytes (views counted in full), and what malloc has given out. */
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

/** build() → { version, collectives } of the libtorch this addon was built against. */
ENTRY(build) {
  napi_env env = call.env;
  napi_value report;
  check(env, napi_create_object(env, &report));
  setProperty(env, report, "version", makeString(env, OSTINATO_TORCH_VERSION));
  return report;
}

/** Activations of tens of megabytes come and go each layer: served from the heap they keep their pages, served by mmap they would be
 *  zeroed by the kernel each time (19 to 23 % of a forward's CPU time). */
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
  } catch (const std::exception& error) {
    napi_throw_error(env, "OSTINATO_TORCH", error.what());
  } catch (const PendingException&) {
  }
  return exports;
}
