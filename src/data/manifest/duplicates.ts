// Duplicates: files with equal bytes. Sizes are compared first, then the first bytes, and whole files only where both agree.
import { open } from "node:fs/promises";
import { join } from "node:path";
import { runAhead } from "../../base/ahead.ts";
import { sha256, sha256File } from "../../base/hash.node.ts";
import type { FoundFile } from "./find-audio.ts";

/** Bytes that are compared before whole files are. */
const headBytes = 1 << 16;

export interface DuplicateOptions {
  /** Files read at a time. */
  readonly jobs?: number;
  /** A file's SHA-256 from an earlier run. */
  readonly known?: (path: string) => string | undefined;
  /** Called with each hash of a whole file, and awaited. */
  readonly onHash?: (file: FoundFile, sha256: string) => Promise<void> | void;
  readonly signal?: AbortSignal | undefined;
}

/** Maps each file that repeats another to the first one in the list with the same bytes. Files that can't be read count as unique. */
export async function findDuplicates(
  root: string,
  files: readonly FoundFile[],
  { jobs = 4, known = () => undefined, onHash, signal }: DuplicateOptions = {},
): Promise<Map<string, string>> {
  const sameSize = repeated(files, ({ bytes }) => String(bytes)).filter(({ bytes }) => bytes > 0);
  const heads = await hashed(sameSize, jobs, (file) => hashOf(join(root, file.path), headBytes), signal);
  const sameHead = repeated(sameSize, (file) => heads.get(file) && `${file.bytes} ${heads.get(file)}`);
  const whole = async (file: FoundFile) => {
    const before = known(file.path);
    if (before !== undefined) return before;
    const sha256 = file.bytes <= headBytes ? heads.get(file) : await hashOf(join(root, file.path));
    if (sha256 !== undefined) await onHash?.(file, sha256);
    return sha256;
  };
  const hashes = await hashed(sameHead, jobs, whole, signal);
  const first = new Map<string, string>();
  const duplicates = new Map<string, string>();
  for (const file of sameHead) {
    const hash = hashes.get(file);
    const original = hash && first.get(hash);
    if (original) duplicates.set(file.path, original);
    else if (hash) first.set(hash, file.path);
  }
  return duplicates;
}

/** The files that share their key with another, in order; an undefined key is shared with none. */
function repeated(files: readonly FoundFile[], key: (file: FoundFile) => string | undefined): FoundFile[] {
  const count = new Map<string | undefined, number>();
  for (const file of files) count.set(key(file), (count.get(key(file)) ?? 0) + 1);
  return files.filter((file) => key(file) !== undefined && count.get(key(file))! > 1);
}

async function hashed(
  files: readonly FoundFile[],
  jobs: number,
  hash: (file: FoundFile) => Promise<string | undefined>,
  signal: AbortSignal | undefined,
): Promise<Map<FoundFile, string>> {
  const hashes = new Map<FoundFile, string>();
  const start = async (file: FoundFile) => [file, await hash(file)] as const;
  for await (const [file, value] of runAhead(files, jobs - 1, start, { signal })) if (value !== undefined) hashes.set(file, value);
  signal?.throwIfAborted();
  return hashes;
}

/** SHA-256 of a file, or of its first bytes; undefined where it can't be read, which measuring will report. */
async function hashOf(path: string, bytes?: number): Promise<string | undefined> {
  try {
    if (bytes === undefined) return await sha256File(path);
    const file = await open(path);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, 0).finally(() => file.close());
    return sha256(buffer.subarray(0, bytesRead));
  } catch {
    return undefined;
  }
}
