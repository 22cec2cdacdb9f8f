// The addon: the types of its functions, and loading it once per thread.
import { createRequire } from "node:module";
import type { DType } from "../../base/dtypes.ts";
import { NotFoundError } from "../../base/errors.ts";
import { type BuildOptions, buildAddon } from "./build.ts";

declare const handleBrand: unique symbol;
/** A tensor inside the addon. */
export interface Handle {
  readonly [handleBrand]: true;
}

export type NativeValue = Handle | number | boolean | string | null | undefined | readonly (Handle | number | boolean | null)[];
export type NativeResult = Handle | number | boolean | string | null | undefined | NativeResult[];

export interface MemoryReport {
  /** Number of live tensor handles in all threads. */
  readonly tensors: number;
  /** Bytes of those tensors; views count in full. */
  readonly tensorBytes: number;
  /** Bytes allocated by malloc and not freed. */
  readonly heapBytes: number;
}

declare const groupBrand: unique symbol;
/** A group of processes inside the addon. */
export interface NativeGroup {
  readonly [groupBrand]: true;
}

/** The functions of `native/src`, where each is documented. */
export interface Addon {
  findOperator(name: string, overload: string): number;
  hasKernel(operator: number, device: string): boolean;
  schemaOf(operator: number): string;
  invoke(operator: number, ...args: NativeValue[]): NativeResult;
  perform(operator: number, ...args: NativeValue[]): void;

  fromBytes(bytes: ArrayBufferView, shape: readonly number[], dtype: DType, device: string, target?: DType): Handle;
  toBytes(tensor: Handle, dtype: DType): ArrayBuffer;
  writeBytes(tensor: Handle, bytes: ArrayBufferView, dtype: DType): void;
  shapeOf(tensor: Handle): number[];
  dtypeOf(tensor: Handle): DType;
  deviceOf(tensor: Handle): string;
  dispose(tensors: readonly Handle[]): void;

  gradients(outputs: readonly Handle[], seeds: readonly (Handle | null)[], inputs: readonly Handle[]): (Handle | null)[];
  setRequiresGrad(tensor: Handle, on: boolean): void;
  requiresGrad(tensor: Handle): boolean;
  setGradEnabled(on: boolean): boolean;
  enterInference(): void;
  leaveInference(): void;
  setAutocast(device: string, dtype: DType | null): void;

  setThreads(count: number): void;
  getThreads(): number;
  deviceCount(type: string): number;
  setDevice(device: string): void;
  synchronize(device: string): void;
  seed(device: string, seed: number): void;
  randomState(device: string): Handle;
  setRandomState(device: string, state: Handle): void;
  setTf32(on: boolean): void;
  memory(): MemoryReport;
  build(): { readonly version: string };

  joinGroup(
    host: string,
    port: number,
    rank: number,
    size: number,
    backend: "gloo" | "nccl",
    timeoutMs: number,
    serve: boolean,
    prefix: string,
    networkInterface: string,
  ): Promise<NativeGroup>;
  collective(group: NativeGroup, kind: string, tensors: readonly Handle[], detail: number | string): Promise<void>;
  leaveGroup(group: NativeGroup): void;
}

let loaded: Addon | undefined;

/** The addon of this thread. @throws NotFoundError before `loadAddon` has run. */
export function addon(): Addon {
  if (!loaded) throw new NotFoundError("libtorch is not loaded in this thread yet. Await openTorch() first.");
  return loaded;
}

/** Builds the addon where needed and loads it into this thread.
 *  @throws NotFoundError where libtorch or a compiler is missing, with what to install. */
export async function loadAddon(options: BuildOptions = {}): Promise<Addon> {
  if (loaded) return loaded;
  const path = await buildAddon(options);
  // Read by libgomp when it is loaded: waiting threads sleep at once instead of spinning.
  process.env.GOMP_SPINCOUNT ??= "0";
  loaded ??= createRequire(import.meta.url)(path) as Addon;
  return loaded;
}
