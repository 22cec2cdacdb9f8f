// Collectives: c10d's Gloo and NCCL, each operation a promise. A thread a group waits for operations in their order, so that the main
// thread never does; every error names the rank, the operation and how long it took.
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "group.h"
#include "napi.h"

namespace ostinato {
namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::milliseconds;

struct Pending {
  c10::intrusive_ptr<c10d::Work> work;
  napi_deferred deferred = nullptr;
  std::string what;
  std::string error;
  std::vector<at::Tensor> held;  // until done, whatever JavaScript disposes
  Clock::time_point start;
};

struct Group {
  static constexpr uint64_t kMagic = 0x67726f7570ULL;
  uint64_t magic = kMagic;
  c10::intrusive_ptr<c10d::Store> store;
  c10::intrusive_ptr<Backend> backend;
  int rank = 0;
  int size = 1;
  bool streams = false;  // NCCL: order lies in the device's streams
  Milliseconds timeout{0};

  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::unique_ptr<Pending>> queue;
  bool closed = false;
  napi_threadsafe_function report = nullptr;
  size_t outstanding = 0;  // main thread only

  std::string place() const { return "rank " + std::to_string(rank) + " of " + std::to_string(size); }
};

using GroupRef = std::shared_ptr<Group>;

std::string reasonOf(const std::exception& error) {
  const auto* torch = dynamic_cast<const c10::Error*>(&error);
  std::string text = torch ? torch->what_without_backtrace() : error.what();
  text = text.substr(0, text.find("\nException raised from"));
  while (!text.empty() && (text.back() == '.' || text.back() == '!' || text.back() == '\n')) text.pop_back();
  return text;
}

std::string seconds(Clock::duration time) {
  char text[32];
  snprintf(text, sizeof text, "%.1f s", std::chrono::duration<double>(time).count());
  return text;
}

/** Waits for one operation, and leaves what went wrong in `error`. */
void await(Group& group, Pending& pending) {
  std::string reason;
  try {
    if (group.streams) {
      while (!pending.work->isCompleted()) {
        if (Clock::now() - pending.start > group.timeout) throw std::runtime_error("it did not end within the time-out");
        std::this_thread::sleep_for(std::chrono::microseconds(200));
      }
      if (const auto failed = pending.work->exception()) std::rethrow_exception(failed);
      return;
    }
    pending.work->wait(group.timeout);
    return;
  } catch (const std::exception& error) {
    reason = reasonOf(error);
  } catch (...) {
    reason = "unknown";
  }
  pending.error = pending.what + " on " + group.place() + " failed after " + seconds(Clock::now() - pending.start) + ": " + reason +
                  ". Another process of the group has probably ended or hangs; look at its output.";
}

/** Back on the main thread: settles the promise. */
void settle(napi_env env, napi_value, void* context, void* data) {
  std::unique_ptr<Pending> pending(static_cast<Pending*>(data));
  auto* group = static_cast<GroupRef*>(context)->get();
  if (env == nullptr) return;
  if (--group->outstanding == 0) napi_unref_threadsafe_function(env, group->report);
  napi_value value;
  if (pending->error.empty()) {
    napi_get_undefined(env, &value);
    napi_resolve_deferred(env, pending->deferred, value);
    return;
  }
  napi_value message;
  napi_value code;
  napi_create_string_utf8(env, pending->error.data(), pending->error.size(), &message);
  napi_create_string_utf8(env, "OSTINATO_COLLECTIVE", NAPI_AUTO_LENGTH, &code);
  napi_create_error(env, code, message, &value);
  napi_reject_deferred(env, pending->deferred, value);
}

void waitLoop(GroupRef group) {
  for (;;) {
    std::unique_ptr<Pending> next;
    {
      std::unique_lock<std::mutex> lock(group->mutex);
      group->changed.wait(lock, [&] { return group->closed || !group->queue.empty(); });
      if (group->queue.empty()) break;
      next = std::move(group->queue.front());
      group->queue.pop_front();
    }
    await(*group, *next);
    next->work.reset();
    next->held.clear();
    napi_call_threadsafe_function(group->report, next.release(), napi_tsfn_nonblocking);
  }
  napi_release_threadsafe_function(group->report, napi_tsfn_release);
}

GroupRef& groupOf(napi_env env, napi_value value) {
  void* data = nullptr;
  if (typeOf(env, value) != napi_external) throw UsageError("expected a group");
  check(env, napi_get_value_external(env, value, &data));
  auto* ref = static_cast<GroupRef*>(data);
  if ((*ref)->magic != Group::kMagic) throw UsageError("expected a group");
  return *ref;
}

void closeGroup(const GroupRef& group) {
  std::lock_guard<std::mutex> lock(group->mutex);
  group->closed = true;
  group->changed.notify_all();
}

void releaseGroup(napi_env, void* data, void*) {
  auto* ref = static_cast<GroupRef*>(data);
  closeGroup(*ref);
  delete ref;
}

/** Joining blocks until all processes are there: it runs on a thread of Node's pool. */
struct Joining {
  GroupRef group = std::make_shared<Group>();
  std::string host, backend, prefix, interface, error;
  uint16_t port = 0;
  bool serve = false;
  napi_deferred deferred = nullptr;
  napi_async_work work = nullptr;
};

void join(napi_env, void* data) {
  auto& joining = *static_cast<Joining*>(data);
  Group& group = *joining.group;
  const auto start = Clock::now();
  try {
    c10d::TCPStoreOptions options;
    options.port = joining.port;
    options.isServer = joining.serve;
    options.numWorkers = static_cast<size_t>(group.size);
    options.timeout = group.timeout;
    group.store = c10::make_intrusive<c10d::TCPStore>(joining.host, options);
    if (!joining.prefix.empty()) group.store = c10::make_intrusive<c10d::PrefixStore>(joining.prefix, group.store);
    if (joining.backend == "nccl") {
      group.backend = ncclBackend(group.store, group.rank, group.size, group.timeout);
      group.streams = true;
      if (!group.backend) throw std::runtime_error("the addon was built without NCCL");
    } else {
      auto gloo = c10d::ProcessGroupGloo::Options::create();
      gloo->timeout = group.timeout;
      gloo->devices.push_back(joining.interface.empty() ? c10d::ProcessGroupGloo::createDefaultDevice()
                                                        : c10d::ProcessGroupGloo::createDeviceForInterface(joining.interface));
      group.backend = c10::make_intrusive<c10d::ProcessGroupGloo>(group.store, group.rank, group.size, gloo);
    }
  } catch (const std::exception& error) {
    joining.error = "Joining the group at " + joining.host + ":" + std::to_string(joining.port) + " as " + group.place() + " failed after " +
                    seconds(Clock::now() - start) + ": " + reasonOf(error);
  }
}

void joined(napi_env env, napi_status, void* data) {
  std::unique_ptr<Joining> joining(static_cast<Joining*>(data));
  napi_delete_async_work(env, joining->work);
  napi_value value;
  if (!joining->error.empty()) {
    napi_value message, code;
    napi_create_string_utf8(env, joining->error.data(), joining->error.size(), &message);
    napi_create_string_utf8(env, "OSTINATO_COLLECTIVE", NAPI_AUTO_LENGTH, &code);
    napi_create_error(env, code, message, &value);
    napi_reject_deferred(env, joining->deferred, value);
    return;
  }
  const GroupRef group = joining->group;
  napi_value name;
  napi_create_string_utf8(env, "ostinato collectives", NAPI_AUTO_LENGTH, &name);
  // `settle` finds the group through the context, which goes with the function.
  napi_create_threadsafe_function(
      env, nullptr, nullptr, name, 0, 1, nullptr, [](napi_env, void*, void* context) { delete static_cast<GroupRef*>(context); },
      new GroupRef(group), settle, &group->report);
  napi_unref_threadsafe_function(env, group->report);
  std::thread(waitLoop, group).detach();
  auto* ref = new GroupRef(group);
  napi_create_external(env, ref, releaseGroup, nullptr, &value);
  napi_resolve_deferred(env, joining->deferred, value);
}

/** joinGroup(host, port, rank, size, backend, timeoutMs, serve, prefix, interface) → a promise of the group. */
ENTRY(joinGroup) {
  napi_env env = call.env;
  auto joining = std::make_unique<Joining>();
  joining->host = stringOf(env, call.at(0));
  joining->port = static_cast<uint16_t>(integerOf(env, call.at(1)));
  joining->group->rank = static_cast<int>(integerOf(env, call.at(2)));
  joining->group->size = static_cast<int>(integerOf(env, call.at(3)));
  joining->backend = stringOf(env, call.at(4));
  joining->group->timeout = Milliseconds(integerOf(env, call.at(5)));
  joining->serve = truthOf(env, call.at(6));
  joining->prefix = stringOf(env, call.at(7));
  joining->interface = stringOf(env, call.at(8));
  napi_value promise;
  check(env, napi_create_promise(env, &joining->deferred, &promise));
  check(env, napi_create_async_work(env, nullptr, makeString(env, "ostinato join"), join, joined, joining.get(), &joining->work));
  check(env, napi_queue_async_work(env, joining->work));
  joining.release();
  return promise;
}

c10d::ReduceOp reduction(const std::string& name) {
  if (name == "sum") return c10d::ReduceOp::SUM;
  if (name == "max") return c10d::ReduceOp::MAX;
  if (name == "min") return c10d::ReduceOp::MIN;
  throw UsageError("there is no reduction \"" + name + "\"");
}

/** collective(group, kind, tensors, detail) → a promise of nothing; tensors are changed in place.
 *  broadcast: [x], root. allReduce: xs, "sum" | "max" | "min". allGather: [input, output of rank 0, 1, …]. reduceScatter: [output, input of
 *  rank 0, 1, …], reduction. barrier: []. */
ENTRY(collective) {
  napi_env env = call.env;
  const GroupRef& group = groupOf(env, call.at(0));
  const std::string kind = stringOf(env, call.at(1));
  call.subject = kind + " on " + group->place();
  call.describeFrom = 2;
  auto pending = std::make_unique<Pending>();
  pending->what = kind;
  pending->start = Clock::now();
  for (const at::Tensor& tensor : tensorsOf(env, call.at(2))) pending->held.push_back(tensor.detach());
  std::vector<at::Tensor>& tensors = pending->held;
  Backend& backend = *group->backend;
  if (kind == "broadcast") {
    c10d::BroadcastOptions options;
    options.rootRank = static_cast<int>(integerOf(env, call.at(3)));
    options.timeout = group->timeout;
    pending->work = backend.broadcast(tensors, options);
  } else if (kind == "allReduce") {
    c10d::AllreduceCoalescedOptions options;
    options.reduceOp = reduction(stringOf(env, call.at(3)));
    options.timeout = group->timeout;
    pending->work = tensors.size() == 1 ? backend.allreduce(tensors, options) : backend.allreduce_coalesced(tensors, options);
  } else if (kind == "allGather") {
    c10d::AllgatherOptions options;
    options.timeout = group->timeout;
    std::vector<at::Tensor> inputs{tensors.at(0)};
    std::vector<std::vector<at::Tensor>> outputs{{tensors.begin() + 1, tensors.end()}};
    pending->work = backend.allgather(outputs, inputs, options);
  } else if (kind == "reduceScatter") {
    c10d::ReduceScatterOptions options;
    options.reduceOp = reduction(stringOf(env, call.at(3)));
    options.timeout = group->timeout;
    std::vector<at::Tensor> outputs{tensors.at(0)};
    std::vector<std::vector<at::Tensor>> inputs{{tensors.begin() + 1, tensors.end()}};
    pending->work = backend.reduce_scatter(outputs, inputs, options);
  } else if (kind == "barrier") {
    c10d::BarrierOptions options;
    options.timeout = group->timeout;
    pending->work = backend.barrier(options);
  } else {
    throw UsageError("there is no such collective");
  }
  if (group->streams) pending->work->synchronize();  // what this thread's stream does next waits for it, on the device
  napi_value promise;
  check(env, napi_create_promise(env, &pending->deferred, &promise));
  if (group->outstanding++ == 0) check(env, napi_ref_threadsafe_function(env, group->report));
  std::lock_guard<std::mutex> lock(group->mutex);
  group->queue.push_back(std::move(pending));
  group->changed.notify_all();
  return promise;
}

/** leaveGroup(group): no more collectives; those under way still settle. */
ENTRY(leaveGroup) {
  closeGroup(groupOf(call.env, call.at(0)));
  return nullptr;
}

}  // namespace

void exposeCollectives(napi_env env, napi_value exports) {
  expose(env, exports, "joinGroup", joinGroup);
  expose(env, exports, "collective", collective);
  expose(env, exports, "leaveGroup", leaveGroup);
}

}  // namespace ostinato
