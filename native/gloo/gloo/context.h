// Stand-in for Gloo's header, which torch wheels leave out: just enough of its types for ProcessGroupGloo.hpp to compile. Everything
// is held by pointer there, and the code lives inside libtorch_cpu, so sizes and members don't matter.
#pragma once
#include <chrono>
namespace gloo {
class Context {
 public:
  void setTimeout(std::chrono::milliseconds timeout);
};
}  // namespace gloo
