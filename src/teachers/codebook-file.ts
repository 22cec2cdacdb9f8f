// Trained codebooks on disk: safetensors whose metadata names their kind and holds the rest of the state as JSON.

import { FormatError, NotFoundError } from "../base/errors.ts";
import { writeAtomic } from "../base/files.node.ts";
import type { HostTensor } from "../base/host-tensor.ts";
import { shown } from "../base/shown.ts";
import { openCheckpointFile } from "../checkpoint/read.node.ts";
import { safetensorsChunks } from "../formats/safetensors.ts";
import { namedTensors } from "../formats/tensor-file.ts";

/** The kind of codebooks in a file, from its metadata. */
export type CodebookKind = "ostinato k-means" | "ostinato rvq";

/** Writes tensors and their state. `state.features` is also an entry of the metadata, for other readers. */
export async function writeCodebookFile(
  path: string,
  kind: CodebookKind,
  tensors: Iterable<readonly [string, HostTensor]>,
  state: { readonly features: string },
): Promise<void> {
  const metadata = { kind, features: state.features, state: JSON.stringify(state) };
  await writeAtomic(path, safetensorsChunks(namedTensors(tensors), metadata));
}

/** Reads the named tensors and the state. @throws NotFoundError where there is no file, FormatError when it holds something else. */
export async function readCodebookFile<Name extends string, State>(
  path: string,
  kind: CodebookKind,
  names: readonly Name[],
): Promise<{ tensors: Record<Name, HostTensor>; state: State }> {
  const file = await openCheckpointFile(path);
  try {
    if (file.metadata.kind !== kind) {
      throw new FormatError(
        `${path} holds no ${kind.replace("ostinato ", "")} codebook of this library: its metadata says kind ${shown(file.metadata.kind ?? null)}. Give the file that \`ostinato prepare labels\` wrote.`,
      );
    }
    const tensors = {} as Record<Name, HostTensor>;
    for (const name of names) tensors[name] = await file.read(name);
    return { tensors, state: JSON.parse(file.metadata.state ?? "{}") as State };
  } finally {
    await file.close();
  }
}

/** The content of a file, or undefined if it does not exist. */
export async function ifPresent<T>(loading: Promise<T>): Promise<T | undefined> {
  try {
    return await loading;
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
}
