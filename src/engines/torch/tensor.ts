// TorchTensor: tensors of libtorch, the scopes that free them, and conversion from and to host memory.
import type { DType } from "../../base/dtypes.ts";
import { type HostTensor, toFloat32 } from "../../base/host-tensor.ts";
import { addon, type Handle } from "./addon.ts";

/** A tensor of libtorch. Its memory is freed when its scope (`tidy`) ends, by `dispose`, or, outside scopes, by the garbage collector. */
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

/** A value that may contain tensors. */
export type Held = TorchTensor | undefined | null | number | string | boolean | readonly Held[] | { readonly [key: string]: Held };

/** Runs `body`, then frees every tensor made in it except those in its result or in `escaped`, which join the enclosing scope, and those
 *  given to `keep`. The garbage collector does not run during a loop that never yields: use one scope per training step, batch or layer. */
export function tidy<R>(body: () => R, escaped?: ReadonlySet<TorchTensor>): R {
  const outer = scope;
  const own: TorchTensor[] = [];
  scope = own;
  let kept: Set<TorchTensor> | undefined;
  try {
    const result = body();
    if (result instanceof Promise) throw new TypeError("tidy takes a synchronous function: a scope can not contain an await.");
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

/** Takes a tensor out of all scopes: the caller disposes it. */
export function keep(tensor: TorchTensor): TorchTensor {
  keptForGood.add(tensor);
  return tensor;
}

/** Whether a tensor was given to `keep`. */
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

/** The value of a tensor with one element, in double precision. */
export function toNumber(tensor: TorchTensor): number {
  return new Float64Array(addon().toBytes(tensor.handle, "float64"))[0]!;
}

/** Overwrites a tensor's values in place, outside autograd. */
export function writeHost(tensor: TorchTensor, values: HostTensor): void {
  addon().writeBytes(tensor.handle, values.bytes, values.dtype);
}

/** The dtype in which an engine returns values of `dtype`: float32, int32, bool or uint8. */
export function hostDtype(dtype: DType): DType {
  if (dtype === "bool" || dtype === "uint8") return dtype;
  return dtype.startsWith("int") ? "int32" : "float32";
}
