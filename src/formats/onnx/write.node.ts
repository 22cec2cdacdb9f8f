// ONNX files on disk: one file, or for large models a graph and a file of weights.
import { rm } from "node:fs/promises";
import { basename } from "node:path";
import { type DType, dtypeBytes, elementCount } from "../../base/dtypes.ts";
import { ShapeError } from "../../base/errors.ts";
import { writeAtomic } from "../../base/files.node.ts";
import { encodeModel, type OnnxGraph, type OnnxInitializer, type OnnxModel } from "./encode.ts";

/** A weight that is read when it is written. */
export interface LazyInitializer {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: { readonly raw: Uint8Array } | { readonly lazy: () => Promise<Uint8Array> };
}

/** An `OnnxModel` whose weights may be read on demand. */
export interface LazyOnnxModel extends Omit<OnnxModel, "graph"> {
  readonly graph: Omit<OnnxGraph, "initializers"> & { readonly initializers: readonly LazyInitializer[] };
}

export interface WriteOnnxOptions {
  /** Keep the weights in `<path>.data`. By default only above 1 GiB: protobuf is limited to 2 GB, and a model
   *  that contains its weights is built in memory. */
  readonly external?: boolean;
  /** Suffix of the weights' file name after the graph's; default ".data". */
  readonly dataSuffix?: string;
}

// Memory maps begin at page boundaries; ONNX Runtime maps weights at such offsets without a copy.
const pageBytes = 4096;
// Shapes, axes and scalars stay inside, where the runtime can fold them into the graph.
const smallBytes = 1024;

/** Writes `model` to `path`, whole or not at all, reading one lazy weight at a time where they go into `<path>.data`.
 *  The graph is put in place last, so a graph is never paired with the weights of an older one. Returns the files it wrote.
 *  @throws ShapeError when a weight's bytes do not fill its shape. */
export async function writeOnnx(
  path: string,
  model: LazyOnnxModel,
  { external, dataSuffix = ".data" }: WriteOnnxOptions = {},
): Promise<readonly string[]> {
  const { initializers } = model.graph;
  const total = initializers.reduce((sum, each) => sum + byteLength(each), 0);
  if (!(external ?? total > 2 ** 30)) {
    await writeAtomic(path, encodeModel(withInitializers(model, await Promise.all(initializers.map(inside)))));
    return [path];
  }
  const outside = initializers.filter((each) => byteLength(each) >= smallBytes);
  const location = `${basename(path)}${dataSuffix}`;
  const offsets = new Map<string, number>();
  let end = 0;
  for (const each of outside) {
    const offset = Math.ceil(end / pageBytes) * pageBytes;
    offsets.set(each.name, offset);
    end = offset + byteLength(each);
  }
  const placed = initializers.map((each) => {
    const offset = offsets.get(each.name);
    if (offset === undefined) return inside(each);
    const { name, dtype, shape } = each;
    return { name, dtype, shape, data: { external: { location, offset, length: byteLength(each) } } };
  });
  const graph = encodeModel(withInitializers(model, await Promise.all(placed)));
  await rm(path, { force: true });
  await writeAtomic(`${path}${dataSuffix}`, dataChunks(outside));
  await writeAtomic(path, graph);
  return [path, `${path}${dataSuffix}`];
}

async function* dataChunks(initializers: readonly LazyInitializer[]): AsyncGenerator<Uint8Array> {
  let written = 0;
  for (const each of initializers) {
    const bytes = await bytesOf(each);
    const padding = Math.ceil(written / pageBytes) * pageBytes - written;
    if (padding > 0) yield new Uint8Array(padding);
    yield bytes;
    written += padding + bytes.length;
  }
}

async function bytesOf(weight: LazyInitializer): Promise<Uint8Array> {
  const bytes = "raw" in weight.data ? weight.data.raw : await weight.data.lazy();
  if (bytes.length !== byteLength(weight)) {
    throw new ShapeError(
      `${weight.name} is ${weight.dtype} [${weight.shape}] and needs ${byteLength(weight)} bytes, but ${bytes.length} came.`,
    );
  }
  return bytes;
}

async function inside(weight: LazyInitializer): Promise<OnnxInitializer> {
  const { name, dtype, shape } = weight;
  return { name, dtype, shape, data: { raw: await bytesOf(weight) } };
}

function byteLength({ dtype, shape }: LazyInitializer): number {
  return elementCount(shape) * dtypeBytes[dtype];
}

function withInitializers(model: LazyOnnxModel, initializers: readonly OnnxInitializer[]): OnnxModel {
  return { ...model, graph: { ...model.graph, initializers } };
}
