// NCCL, where this libtorch was built for CUDA and NCCL's headers are found. The build defines OSTINATO_NO_NCCL where they do not compile.
#ifdef OSTINATO_CUDA
#include "group.h"

#if __has_include(<nccl.h>) && __has_include(<cuda_runtime_api.h>) && !defined(OSTINATO_NO_NCCL)
#define USE_C10D_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

namespace ostinato {
c10::intrusive_ptr<Backend> ncclBackend(const c10::intrusive_ptr<c10d::Store>& store, int rank, int size, std::chrono::milliseconds timeout) {
  auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = timeout;
  return c10::make_intrusive<c10d::ProcessGroupNCCL>(store, rank, size, options);
}
}  // namespace ostinato
#else
namespace ostinato {
c10::intrusive_ptr<Backend> ncclBackend(const c10::intrusive_ptr<c10d::Store>&, int, int, std::chrono::milliseconds) { return {}; }
}  // namespace ostinato
#endif
#endif
