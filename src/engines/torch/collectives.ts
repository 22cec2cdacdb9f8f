// Collectives: communication between training processes. Each call returns a Work at once; another thread waits for its completion.
import { OstinatoError } from "../../base/errors.ts";
import { addon, type NativeGroup } from "./addon.ts";
import { effect, op } from "./call.ts";
import type { Place } from "./rendezvous.ts";
import { noGrad } from "./runtime.ts";
import { keep, type TorchTensor } from "./tensor.ts";

/** A collective failed: another process ended or hangs, or the network failed. The message names the rank. */
export class CollectiveError extends OstinatoError {
  override readonly code: string = "OSTINATO_COLLECTIVE";
}

/** An operation in progress. The tensors may be neither read nor changed before `done` resolves. */
export interface Work {
  /** @throws CollectiveError when the group's time-out passes or a peer is gone. */
  readonly done: Promise<void>;
}

export type Reduction = "sum" | "max" | "min";

export interface GroupOptions {
  /** "nccl" for tensors on GPUs, "gloo" (the default) for those on the CPU. */
  readonly backend?: "gloo" | "nccl";
  /** How long joining and each operation wait for peers; default 300. */
  readonly timeoutSeconds?: number;
  /** The network interface that peers can reach, such as "eth0". Default: GLOO_SOCKET_IFNAME, else the one of the host name's address. */
  readonly networkInterface?: string;
}

/** A group of processes. All must call the same operations in the same order. */
export interface ProcessGroup {
  readonly rank: number;
  readonly size: number;
  readonly backend: "gloo" | "nccl";
  /** Copies x of process `root` into x of every process. */
  broadcast(x: TorchTensor, root?: number): Work;
  /** Each x becomes its reduction over all processes. All tensors share a dtype and travel in one message. */
  allReduce(xs: readonly TorchTensor[], reduction?: Reduction): Work;
  /** outputs[r] becomes x of process r. */
  allGather(outputs: readonly TorchTensor[], x: TorchTensor): Work;
  /** output becomes the reduction of inputs[own rank] over all processes. */
  reduceScatter(output: TorchTensor, inputs: readonly TorchTensor[], reduction?: Reduction): Work;
  /** Done when every process has called it. */
  barrier(): Work;
  /** Leaves the group; operations in progress still complete. */
  leave(): void;
}

/** Joins the group of processes. Resolves when all have joined.
 *  @throws CollectiveError when they have not within the time-out. */
export async function joinGroup(place: Place, options: GroupOptions = {}): Promise<ProcessGroup> {
  const { backend = "gloo", timeoutSeconds = 300, networkInterface = process.env.GLOO_SOCKET_IFNAME ?? "" } = options;
  const { host, port, rank, size, serve, prefix } = place;
  const native = await named(addon().joinGroup(host, port, rank, size, backend, 1000 * timeoutSeconds, serve, prefix, networkInterface));
  return processGroup(native, rank, size, backend);
}

function processGroup(native: NativeGroup, rank: number, size: number, backend: "gloo" | "nccl"): ProcessGroup {
  const start = (kind: string, tensors: readonly TorchTensor[], detail: number | string = 0): Work => {
    const handles = tensors.map((x) => x.handle);
    return { done: named(addon().collective(native, kind, handles, detail)) };
  };
  /** For a Gloo without reduce-scatter: reduces all inputs and keeps the one of the own rank. */
  const reduceAndTake = async (output: TorchTensor, inputs: readonly TorchTensor[], reduction: Reduction): Promise<void> => {
    const copies = noGrad(() => inputs.map((x) => keep(clone(x))));
    try {
      await start("allReduce", copies, reduction).done;
      noGrad(() => copyInto(output, copies[rank]!));
    } finally {
      addon().dispose(copies.map((x) => x.handle));
    }
  };
  return {
    rank,
    size,
    backend,
    broadcast: (x, root = 0) => start("broadcast", [x], root),
    allReduce: (xs, reduction = "sum") => (xs.length === 0 ? { done: Promise.resolve() } : start("allReduce", xs, reduction)),
    allGather: (outputs, x) => start("allGather", [x, ...outputs]),
    reduceScatter(output, inputs, reduction = "sum") {
      try {
        return start("reduceScatter", [output, ...inputs], reduction);
      } catch (error) {
        if (!/does not support|not supported|no support/i.test(String(error))) throw error;
        return { done: reduceAndTake(output, inputs, reduction) };
      }
    },
    barrier: () => start("barrier", []),
    leave: () => addon().leaveGroup(native),
  };
}

const clone = op("clone");
const copyInto = effect("copy_");

/** Gives the addon's rejections the class CollectiveError. */
async function named<R>(promise: Promise<R>): Promise<R> {
  try {
    return await promise;
  } catch (error) {
    throw new CollectiveError(error instanceof Error ? error.message : String(error));
  }
}
