// Collectives: operations of c10d's Gloo and NCCL as promises. One thread per group waits for its operations in their order, so that the
// main thread never blocks. Errors name the operation, the rank and the time that passed.
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

/** An operation in progress. */
struct Pending {
  c10::intrusive_ptr<c10d::Work> work;
  napi_deferred deferred = nullptr;
  std::string what;
  std::string error;
  std::vector<at::Tensor> tensors;  // kept alive until the end, whatever JavaScript disposes
  Clock::time_point start;
};

/** A process group, shared between JavaScript's external, the thread that waits and the function that reports to the main thread. */
struct Group {
  static constexpr uint64_t kMagic = 0x67726f7570ULL;
  uint64_t magic = kMagic;
  c10::intrusive_ptr<c10d::Store> store;
  c10::intrusive_ptr<Backend> backend;
  int rank = 0;
  int size = 1;
  bool streams = false;  // NCCL: the device's streams order the operations
  Milliseconds timeout{0};

  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::unique_ptr<Pending>> queue;
  bool closed = false;
  napi_threadsafe_function report = nullptr;  // null once Node has freed it, as at the end of a worker thread
  size_t outstanding = 0;                     // used by the main thread only

  std::string place() const { return "rank " + std::to_string(rank) + " of " + std::to_string(size); }
};

using GroupRef = std::shared_ptr<Group>;

/** The reason of the exception being handled, without C++ trace and final punctuation. */
std::string shortReason() {
  std::string text = currentReason();
  text = text.substr(0, text.find("\nException raised from"));
  while (!text.empty() && (text.back() == '.' || text.back() == '!' || text.back() == '\n')) text.pop_back();
  return text;
}

std::string seconds(Clock::duration time) {
  char text[32];
  snprintf(text, sizeof text, "%.1f s", std::chrono::duration<double>(time).count());
  return text;
}

/** Waits for one operation; a failure is described in `pending.error`. */
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
  } catch (...) {
    reason = shortReason();
  }
  pending.error = pending.what + " on " + group.place() + " failed after " + seconds(Clock::now() - pending.start) + ": " + reason +
                  ". Another process of the group has probably ended or hangs; look at its output.";
}

/** Rejects a promise with a CollectiveError's message. */
void reject(napi_env env, napi_deferred deferred, const std::string& text) {
  napi_value message, code, error;
  napi_create_string_utf8(env, text.data(), text.size(), &message);
  napi_create_string_utf8(env, "OSTINATO_COLLECTIVE", NAPI_AUTO_LENGTH, &code);
  napi_create_error(env, code, message, &error);
  napi_reject_deferred(env, deferred, error);
}

/** Runs on the main thread: settles the promise of an operation. At teardown Node calls it without an environment for what is still in
 *  the queue, and has freed the context by then. */
void settle(napi_env env, napi_value, void* context, void* data) {
  std::unique_ptr<Pending> pending(static_cast<Pending*>(data));
  if (env == nullptr) return;
  auto* group = static_cast<GroupRef*>(context)->get();
  if (--group->outstanding == 0) {
    std::lock_guard<std::mutex> lock(group->mutex);
    if (group->report != nullptr) napi_unref_threadsafe_function(env, group->report);
  }
  if (!pending->error.empty()) return reject(env, pending->deferred, pending->error);
  napi_value value;
  napi_get_undefined(env, &value);
  napi_resolve_deferred(env, pending->deferred, value);
}

/** Runs on the main thread, before Node frees the function that reports: from now on the thread that waits must not call it. */
void reportFreed(napi_env, void*, void* context) {
  std::unique_ptr<GroupRef> group(static_cast<GroupRef*>(context));
  std::lock_guard<std::mutex> lock((*group)->mutex);
  (*group)->report = nullptr;
  (*group)->closed = true;
  (*group)->changed.notify_all();
}

/** The thread of a group: waits for its operations one after the other. */
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
    next->tensors.clear();
    std::lock_guard<std::mutex> lock(group->mutex);
    if (group->report == nullptr) continue;
    const napi_status status = napi_call_threadsafe_function(group->report, next.get(), napi_tsfn_nonblocking);
    if (status == napi_ok) next.release();
    if (status == napi_closing) group->report = nullptr;  // it is about to be freed, and must not be used again
  }
  std::lock_guard<std::mutex> lock(group->mutex);
  if (group->report != nullptr) napi_release_threadsafe_function(group->report, napi_tsfn_release);
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

/** Joining blocks until all processes have joined, so it runs on a thread of Node's pool. */
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
  } catch (...) {
    joining.error = "Joining the group at " + joining.host + ":" + std::to_string(joining.port) + " as " + group.place() + " failed after " +
                    seconds(Clock::now() - start) + ": " + shortReason();
  }
}

void joined(napi_env env, napi_status, void* data) {
  std::unique_ptr<Joining> joining(static_cast<Joining*>(data));
  napi_delete_async_work(env, joining->work);
  if (!joining->error.empty()) return reject(env, joining->deferred, joining->error);
  const GroupRef group = joining->group;
  napi_value name, value;
  napi_create_string_utf8(env, "ostinato collectives", NAPI_AUTO_LENGTH, &name);
  napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, reportFreed, new GroupRef(group), settle, &group->report);
  napi_unref_threadsafe_function(env, group->report);
  std::thread(waitLoop, group).detach();
  auto* ref = new GroupRef(group);
  napi_create_external(env, ref, releaseGroup, nullptr, &value);
  napi_resolve_deferred(env, joining->deferred, value);
}

/** joinGroup(host, port, rank, size, backend, timeoutMs, serve, prefix, interface) → a promise of the group. With `serve` this process opens
 *  the store at host:port. */
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

/** Starts an operation; `tensors` and `detail` are those of `collective`. */
c10::intrusive_ptr<c10d::Work> start(napi_env env, const Group& group, const std::string& kind, std::vector<at::Tensor>& tensors, napi_value detail) {
  if (kind == "broadcast") {
    c10d::BroadcastOptions options;
    options.rootRank = static_cast<int>(integerOf(env, detail));
    options.timeout = group.timeout;
    return group.backend->broadcast(tensors, options);
  }
  if (kind == "allReduce") {
    c10d::AllreduceCoalescedOptions options;
    options.reduceOp = reduction(stringOf(env, detail));
    options.timeout = group.timeout;
    return tensors.size() == 1 ? group.backend->allreduce(tensors, options) : group.backend->allreduce_coalesced(tensors, options);
  }
  if (kind == "barrier") {
    c10d::BarrierOptions options;
    options.timeout = group.timeout;
    return group.backend->barrier(options);
  }
  // The first tensor is the own one, the others belong to rank 0, 1, …
  std::vector<at::Tensor> own{tensors.at(0)};
  std::vector<std::vector<at::Tensor>> all{{tensors.begin() + 1, tensors.end()}};
  if (kind == "allGather") {
    c10d::AllgatherOptions options;
    options.timeout = group.timeout;
    return group.backend->allgather(all, own, options);
  }
  if (kind == "reduceScatter") {
    c10d::ReduceScatterOptions options;
    options.reduceOp = reduction(stringOf(env, detail));
    options.timeout = group.timeout;
    return group.backend->reduce_scatter(own, all, options);
  }
  throw UsageError("there is no such collective");
}

/** collective(group, kind, tensors, detail) → a promise without a value; tensors are changed in place.
 *  broadcast: [x], root. allReduce: xs, "sum" | "max" | "min". allGather: [input, output of rank 0, 1, …]. reduceScatter: [output, input of
 *  rank 0, 1, …], reduction. barrier: []. */
ENTRY(collective) {
  napi_env env = call.env;
  const GroupRef& group = groupOf(env, call.at(0));
  const std::string kind = stringOf(env, call.at(1));
  call.subject = kind + " on " + group->place();
  call.describeFrom = 2;
  if (group->closed) throw UsageError("this process has left the group");
  auto pending = std::make_unique<Pending>();
  pending->what = kind;
  pending->start = Clock::now();
  for (const at::Tensor& tensor : tensorsOf(env, call.at(2))) pending->tensors.push_back(tensor.detach());
  pending->work = start(env, *group, kind, pending->tensors, call.at(3));
  if (group->streams) pending->work->synchronize();  // later work in this thread's stream waits for it, on the device
  napi_value promise;
  check(env, napi_create_promise(env, &pending->deferred, &promise));
  std::lock_guard<std::mutex> lock(group->mutex);
  if (group->outstanding++ == 0 && group->report != nullptr) check(env, napi_ref_threadsafe_function(env, group->report));
  group->queue.push_back(std::move(pending));
  group->changed.notify_all();
  return promise;
}

/** leaveGroup(group): no more collectives; those in progress still complete. */
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
