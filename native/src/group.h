// The backends of process groups: c10d renamed their base class in 2.0, and NCCL may be missing.
#pragma once
#include <torch/csrc/distributed/c10d/Store.hpp>
#include <torch/csrc/distributed/c10d/Work.hpp>

#if OSTINATO_TORCH >= 2000
#include <torch/csrc/distributed/c10d/Backend.hpp>
#else
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#endif

namespace ostinato {

#if OSTINATO_TORCH >= 2000
using Backend = c10d::Backend;
#else
using Backend = c10d::ProcessGroup;
#endif

/** A process group over NCCL; null where the addon was built without NCCL. */
#ifdef OSTINATO_CUDA
c10::intrusive_ptr<Backend> ncclBackend(const c10::intrusive_ptr<c10d::Store>& store, int rank, int size, std::chrono::milliseconds timeout);
#else
inline c10::intrusive_ptr<Backend> ncclBackend(const c10::intrusive_ptr<c10d::Store>&, int, int, std::chrono::milliseconds) { return {}; }
#endif

}  // namespace ostinato
