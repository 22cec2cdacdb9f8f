// Stand-in for Gloo's header (see context.h).
#pragma once
namespace gloo {
namespace transport {
class Device {
 public:
  virtual ~Device() = default;
};
class UnboundBuffer {
 public:
  virtual ~UnboundBuffer() = default;
};
}  // namespace transport
}  // namespace gloo
