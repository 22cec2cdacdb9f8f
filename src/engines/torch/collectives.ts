// Collectives: what several training processes say to each other. Each call gives a Work at once; the waiting happens off the main thread.
import { OstinatoError } from "../../base/errors.ts";
import { addon, type NativeGroup } from "./addon.ts";
import { effect, op } from "./call.ts";
import type { Place } from "./rendezvous.ts";
import { noGrad } from "./runtime.ts";
import { type TorchTensor, tidy } from "./tensor.ts";

/** A collective failed: another process died, hangs, or the network between them does. The message names the rank. */
export class CollectiveError extends OstinatoError {
  override readonly code: string = "OSTINATO_COLLECTIVE";
}

/** An operation under way. The tensors may be neither read nor changed before `done`. */
export interface Work {
  /** @throws CollectiveError when the group's time-out passes or a peer is gone. */
  readonly done: Promise<void>;
}

export type Reduction = "sum" | "max" | "min";

export interface GroupOptions {
  /** "nccl" for tensors on GPUs, "gloo" for the CPU's. */
  readonly backend?: "gloo" | "nccl";
  /** How long to wait for peers, in joining and in each operation. */
  readonly timeoutSeconds?: number;
  /** The network interface of this machine that peers can reach ("eth0"); else what its host name resolves to. GLOO_SOCKET_IFNAME sets it too. */
  readonly networkInterface?: string;
}

/** Processes that compute together. All must call the same operations in the same order. */
export interface ProcessGroup {
  readonly rank: number;
  readonly size: number;
  readonly backend: "gloo" | "nccl";
  /** x of `root` into x everywhere. */
  broadcast(x: TorchTensor, root?: number): Work;
  /** Every x becomes the reduction over all processes. One message for all tensors, which share a dtype. */
  allReduce(xs: readonly TorchTensor[], reduction?: Reduction): Work;
  /** outputs[r] becomes x of process r. */
  allGather(outputs: readonly TorchTensor[], x: TorchTensor): Work;
  /** output becomes the reduction of inputs[own rank] over all processes. */
  reduceScatter(output: TorchTensor, inputs: readonly TorchTensor[], reduction?: Reduction): Work;
  /** Done when every process has come here. */
  barrier(): Work;
  /** Leaves; operations under way still settle. */
  leave(): void;
}

/** Meets the other processes. Resolves when all are there.
 *  @throws CollectiveError when they aren't within the time-out. */
export async function joinGroup(place: Place, options: GroupOptions = {}): Promise<ProcessGroup> {
  const { backend = "gloo", timeoutSeconds = 300, networkInterface = process.env.GLOO_SOCKET_IFNAME ?? "" } = options;
  const { host, port, rank, size, serve, prefix } = place;
  const native = await named(addon().joinGroup(host, port, rank, size, backend, 1000 * timeoutSeconds, serve, prefix, networkInterface));
  return processGroup(native, rank, size, backend);
}

function processGroup(native: NativeGroup, rank: number, size: number, backend: "gloo" | "nccl"): ProcessGroup {
  const start = (kind: string, tensors: readonly TorchTensor[], detail: number | string = 0): Promise<void> =>
    named(
      addon().collective(
        native,
        kind,
        tensors.map((x) => x.handle),
        detail,
      ),
    );
  /** A Work whose failure is an unhandled rejection only where nobody asks for `done`. */
  const work = (done: Promise<void>): Work => ({ done });
  return {
    rank,
    size,
    backend,
    broadcast: (x, root = 0) => work(start("broadcast", [x], root)),
    allReduce: (xs, reduction = "sum") => work(xs.length === 0 ? Promise.resolve() : start("allReduce", xs, reduction)),
    allGather: (outputs, x) => work(start("allGather", [x, ...outputs])),
    reduceScatter(output, inputs, reduction = "sum") {
      try {
        return work(start("reduceScatter", [output, ...inputs], reduction));
      } catch (error) {
        if (!/does not support|not supported|no support/i.test(String(error))) throw error;
        return work(reduceAndTake(output, inputs, reduction));
      }
    },
    barrier: () => work(start("barrier", [])),
    leave: () => addon().leaveGroup(native),
  };

  /** Where Gloo lacks reduce-scatter: reduce everything, keep the own part. */
  async function reduceAndTake(output: TorchTensor, inputs: readonly TorchTensor[], reduction: Reduction): Promise<void> {
    const copies = noGrad(() => inputs.map((x) => clone(x)));
    try {
      await start("allReduce", copies, reduction);
      noGrad(() => tidy(() => copyInto(output, copies[rank]!)));
    } finally {
      addon().dispose(copies.map((x) => x.handle));
    }
  }
}

const clone = op("clone");
const copyInto = effect("copy_");

async function named<R>(promise: Promise<R>): Promise<R> {
  try {
    return await promise;
  } catch (error) {
    throw new CollectiveError(error instanceof Error ? error.message : String(error));
  }
}
