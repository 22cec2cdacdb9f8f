// Autograd: gradients, and the modes of the calling thread: recording of gradients, inference mode, autocast.
#include <ATen/autocast_mode.h>
#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/variable.h>

#include <memory>

#include "napi.h"

namespace ostinato {
namespace {

/** gradients(outputs, seeds, inputs) → for each input the gradient of Σ seeds · outputs, or null where the outputs do not depend on it.
 *  A null seed stands for ones. Frees the graph behind the outputs. */
ENTRY(gradients) {
  napi_env env = call.env;
  const auto outputs = tensorsOf(env, call.at(0));
  const auto seeds = tensorsOf(env, call.at(1));
  const auto inputs = tensorsOf(env, call.at(2));
  return wrapAll(env, torch::autograd::grad(outputs, inputs, seeds, /*retain_graph=*/false, /*create_graph=*/false, /*allow_unused=*/true));
}

ENTRY(setRequiresGrad) {
  tensorOf(call.env, call.at(0)).set_requires_grad(truthOf(call.env, call.at(1)));
  return nullptr;
}

ENTRY(requiresGrad) { return makeBool(call.env, tensorOf(call.env, call.at(0)).requires_grad()); }

/** setGradEnabled(on) → the previous setting. Like all modes it belongs to the calling thread. */
ENTRY(setGradEnabled) {
  const bool before = c10::GradMode::is_enabled();
  c10::GradMode::set_enabled(truthOf(call.env, call.at(0)));
  return makeBool(call.env, before);
}

thread_local std::vector<std::unique_ptr<c10::InferenceMode>> inferenceModes;

ENTRY(enterInference) {
  inferenceModes.push_back(std::make_unique<c10::InferenceMode>());
  return nullptr;
}

ENTRY(leaveInference) {
  if (inferenceModes.empty()) throw UsageError("inference mode was left more often than entered");
  inferenceModes.pop_back();
  return nullptr;
}

/** setAutocast(device, dtype or null): from now on matrix products and convolutions compute in `dtype`; null ends that. */
ENTRY(setAutocast) {
  napi_env env = call.env;
  const c10::DeviceType device = c10::Device(stringOf(env, call.at(0))).type();
  const bool on = !isNothing(env, call.at(1));
#if OSTINATO_TORCH >= 2004
  at::autocast::set_autocast_enabled(device, on);
  if (on) at::autocast::set_autocast_dtype(device, dtypeOf(stringOf(env, call.at(1))));
#else
  if (device == c10::DeviceType::CPU) {
    at::autocast::set_cpu_enabled(on);
    if (on) at::autocast::set_autocast_cpu_dtype(dtypeOf(stringOf(env, call.at(1))));
  } else {
    at::autocast::set_enabled(on);
    if (on) at::autocast::set_autocast_gpu_dtype(dtypeOf(stringOf(env, call.at(1))));
  }
#endif
  // The cache of converted weights is only valid until an optimiser changes the weights in place.
  if (on) {
    at::autocast::increment_nesting();
  } else if (at::autocast::decrement_nesting() == 0) {
    at::autocast::clear_cache();
  }
  return nullptr;
}

}  // namespace

void exposeAutograd(napi_env env, napi_value exports) {
  expose(env, exports, "gradients", gradients);
  expose(env, exports, "setRequiresGrad", setRequiresGrad);
  expose(env, exports, "requiresGrad", requiresGrad);
  expose(env, exports, "setGradEnabled", setGradEnabled);
  expose(env, exports, "enterInference", enterInference);
  expose(env, exports, "leaveInference", leaveInference);
  expose(env, exports, "setAutocast", setAutocast);
}

}  // namespace ostinato
