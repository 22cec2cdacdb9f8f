// TorchTensor: libtorch's tensors, the scopes that free them, and their way from and to host memory.
import type { DType } from "../../base/dtypes.ts";
import { type HostTensor, toFloat32 } from "../../base/host-tensor.ts";
import { addon, type Handle } from "./addon.ts";

/** A tensor of libtorch. It lives until its scope (`tidy`) ends, it is disposed, or, outside scopes, the garbage collector finds it. */
export class TorchTensor {
  readonly #handle: Handle;

  constructor(handle: Handle) {
    this.#handle = handle;
    scope?.push(this);
  }

  get handle(): Handle {
    return this.#handle;
  }

  get shape(): readonly number[] {
    return addon().shapeOf(this.#handle);
  }

  get dtype(): DType {
    return addon().dtypeOf(this.#handle);
  }

  get device(): string {
    return addon().deviceOf(this.#handle);
  }

  /** Frees the memory now. */
  dispose(): void {
    addon().dispose([this.#handle]);
  }
}

let scope: TorchTensor[] | undefined;

/** Anything tensors may be held in. */
export type Held = TorchTensor | undefined | null | number | string | boolean | readonly Held[] | { readonly [key: string]: Held };

/** Runs `body`, then frees every tensor made in it but those in its result (and those told to `keep`), which pass to the scope around,
 *  as do those in `escaped`. The garbage collector comes too late for a loop that never yields: a training step, a batch, a layer each want a scope. */
export function tidy<R>(body: () => R, escaped?: ReadonlySet<TorchTensor>): R {
  const outer = scope;
  const own: TorchTensor[] = [];
  scope = own;
  let kept: Set<TorchTensor> | undefined;
  try {
    const result = body();
    if (result instanceof Promise) throw new TypeError("tidy takes a synchronous function: a scope can't span an await.");
    kept = new Set();
    collect(result as Held, kept);
    return result;
  } finally {
    scope = outer;
    const freed: Handle[] = [];
    for (const tensor of own) {
      if (kept?.has(tensor) || escaped?.has(tensor)) outer?.push(tensor);
      else if (!keptForGood.has(tensor)) freed.push(tensor.handle);
    }
    addon().dispose(freed);
  }
}

const keptForGood = new WeakSet<TorchTensor>();

/** Takes a tensor out of all scopes: from now on its holder disposes it. */
export function keep(tensor: TorchTensor): TorchTensor {
  keptForGood.add(tensor);
  return tensor;
}

/** Whether a tensor outlives all scopes. */
export function isKept(tensor: TorchTensor): boolean {
  return keptForGood.has(tensor);
}

function collect(value: Held, into: Set<TorchTensor>): void {
  if (value instanceof TorchTensor) into.add(value);
  else if (Array.isArray(value)) for (const item of value as readonly Held[]) collect(item, into);
  else if (typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
    for (const item of Object.values(value)) collect(item, into);
  }
}

/** A host tensor on a device, in `dtype` where given (else its own). One copy. */
export function fromHost(tensor: HostTensor, device = "cpu", dtype?: DType): TorchTensor {
  return new TorchTensor(addon().fromBytes(tensor.bytes, tensor.shape, tensor.dtype, device, dtype));
}

/** The values on the host, in `dtype` where given (else the tensor's own). One copy; waits for the device. */
export function toHost(tensor: TorchTensor, dtype: DType = tensor.dtype): HostTensor {
  return { dtype, shape: tensor.shape, bytes: new Uint8Array(addon().toBytes(tensor.handle, dtype)) };
}

/** The values as float32. */
export function toFloats(tensor: TorchTensor): Float32Array {
  return toFloat32(toHost(tensor, "float32"));
}

/** The one value of a scalar tensor, in double precision. */
export function toNumber(tensor: TorchTensor): number {
  return new Float64Array(addon().toBytes(tensor.handle, "float64"))[0]!;
}

/** Overwrites a tensor's values in place, outside autograd. */
export function writeHost(tensor: TorchTensor, values: HostTensor): void {
  addon().writeBytes(tensor.handle, values.bytes, values.dtype);
}
