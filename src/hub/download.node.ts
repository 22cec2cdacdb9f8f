// Download: one file of one commit from the hub into the cache: resumed, verified, and written whole or not at all.
import { createHash } from "node:crypto";
import { constants, createReadStream } from "node:fs";
import { type FileHandle, lstat, open, rename, rm, statfs } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { HubError } from "../base/errors.ts";
import { diskIsFull, makeFolder } from "../base/files.node.ts";
import { type Lock, LockLostError, withLock } from "../base/lock.node.ts";
import { shown } from "../base/shown.ts";
import { absent, blobPath, checkInside, exists, placeFile } from "./cache.node.ts";
import { type Connection, request, TransientError, withRetries } from "./http.node.ts";
import { refusalError } from "./refusals.ts";

/** The most bytes of a configuration or card. */
const smallFileBytes = 2 ** 24;
/** The most bytes of any other file whose length the hub did not tell. */
const unknownLengthBytes = 2 ** 32;

const isSmall = (file: string) => /\.(json|md)$/.test(file);

export interface Progress {
  readonly file: string;
  /** Bytes on this machine, including those of an interrupted run. */
  readonly receivedBytes: number;
  /** Undefined until the hub has stated the length. */
  readonly totalBytes: number | undefined;
}

export interface RemoteFile {
  /** The model's hub name. */
  readonly name: string;
  readonly commit: string;
  readonly file: string;
}

export interface FileFacts {
  /** The blob's name: 64 hex digits of SHA-256 for large files, 40 of git's SHA-1 for small ones. */
  readonly etag: string;
  readonly bytes: number | undefined;
}

/** The address of a file at a commit. */
export function fileUrl(endpoint: string, { name, commit, file }: RemoteFile): string {
  return `${endpoint}/${name}/resolve/${encodeURIComponent(commit)}/${file.split("/").map(encodeURIComponent).join("/")}`;
}

/** Requests a file's etag and length from the hub, without its content.
 *  @throws NotFoundError, HubError (see `refusalError`), UnreachableError. */
export async function fileFacts(connection: Connection, remote: RemoteFile): Promise<FileFacts> {
  const url = fileUrl(connection.endpoint, remote);
  // For large files the hub's own answer has the etag and length, and redirects to a host whose answer doesn't.
  const enough = (response: Response) => response.headers.has("x-linked-etag");
  return withRetries(connection, `The header of ${remote.file}`, () =>
    request(connection, { method: "HEAD", url, enough }, async (response) => {
      if (response.status >= 400) throw refused(response, remote, connection);
      const { headers } = response;
      const etag = (headers.get("x-linked-etag") ?? headers.get("etag") ?? "").replace(/^W\//, "").replaceAll('"', "");
      if (!/^[\w.-]{1,255}$/.test(etag)) {
        throw new HubError(
          `${url} came with ${etag ? `the invalid ETag ${shown(etag)}` : "no ETag"}: ${connection.endpoint} is no hub. Check HF_ENDPOINT.`,
        );
      }
      const length = headers.get("x-linked-size") ?? (response.ok ? headers.get("content-length") : null);
      return { etag: checkInside(etag, "The ETag"), bytes: length && /^\d+$/.test(length) ? Number(length) : undefined };
    }),
  );
}

/** Downloads a file into the cache folder `repo` and returns its path in the snapshot. An existing blob is not downloaded
 *  again; processes that need the same blob wait for the one that downloads it.
 *  @throws HubError when the content does not match its hash, or the disk is too small; and what `fileFacts` throws. */
export async function downloadFile(
  connection: Connection,
  repo: string,
  remote: RemoteFile,
  onProgress: (progress: Progress) => void = () => {},
): Promise<string> {
  checkInside(remote.file, "The file name");
  const facts = await fileFacts(connection, remote);
  const blob = blobPath(repo, facts.etag);
  const path = join(dirname(repo), ".locks", basename(repo), `${facts.etag}.ostinato`);
  const fetchOnce = async (lock: Lock) => {
    if (!(await exists(blob))) await fetchBlob(blob, { connection, remote, facts, onProgress, lock });
  };
  while (!(await exists(blob))) {
    const { abandonedMs: staleMs, machine } = connection.network;
    await withLock(path, fetchOnce, { signal: connection.signal, staleMs, machine }).catch((error) => {
      if (!(error instanceof LockLostError)) throw error; // lost while suspended: its new holder is waited for
    });
  }
  return placeFile(repo, remote.commit, remote.file, facts.etag);
}

interface Job {
  readonly connection: Connection;
  readonly remote: RemoteFile;
  readonly facts: FileFacts;
  readonly onProgress: (progress: Progress) => void;
  readonly lock: Lock;
}

async function fetchBlob(blob: string, job: Job): Promise<void> {
  const { connection, remote, facts, lock } = job;
  if (isSmall(remote.file) && (facts.bytes ?? 0) > smallFileBytes) throw tooLong(connection, remote, smallFileBytes);
  const partial = `${blob}.incomplete`;
  await makeFolder(dirname(blob));
  // The former holder may wake up and go on writing to the file it has open, which must never become the blob.
  if (lock.tookOver) await rm(partial, { force: true });
  await checkRoom(partial, job);
  // A second round, from the start: the wrong bytes may be those that an earlier run left.
  for (let round = 0; round < 2; round++) {
    await withRetries(connection, `${remote.file} of ${remote.name}`, () => fetchRest(partial, job));
    const right = await matches(partial, facts);
    await lock.check();
    if (right) return rename(partial, blob);
    await rm(partial, { force: true });
  }
  throw new HubError(
    `${remote.file} of ${remote.name} arrived twice with a content that does not match its hash ${facts.etag}, and was thrown away. ` +
      `Something between here and ${connection.endpoint} changes it: try another network or HF_ENDPOINT.`,
  );
}

/** One attempt to download what `partial` lacks. */
async function fetchRest(partial: string, { connection, remote, facts, onProgress, lock }: Job): Promise<void> {
  const total = facts.bytes;
  const most = total ?? (isSmall(remote.file) ? smallFileBytes : unknownLengthBytes);
  const before = await partialSize(partial);
  if (before > 0 && before === total) return;
  let have = before;
  try {
    const headers: Record<string, string> = before > 0 ? { range: `bytes=${before}-` } : {};
    const ask = { method: "GET", url: fileUrl(connection.endpoint, remote), headers, isFile: true } as const;
    await request(connection, ask, async (response, alive) => {
      if (response.status === 416) {
        await rm(partial, { force: true });
        throw new TransientError("the server could not go on where the last attempt stopped");
      }
      if (!response.ok) throw refused(response, remote, connection);
      // A server that doesn't support ranges sends the whole file with status 200.
      const resumed = response.status === 206 && response.headers.get("content-range")?.startsWith(`bytes ${before}-`);
      if (!resumed) have = 0;
      await lock.check();
      const handle = await openPartial(partial, resumed ? constants.O_APPEND : constants.O_TRUNC);
      try {
        for await (const chunk of response.body ?? []) {
          alive(chunk.length);
          have += chunk.length;
          if (have > most) break; // nothing beyond it is written
          await handle.writeFile(chunk);
          onProgress({ file: remote.file, receivedBytes: have, totalBytes: total });
        }
        if (have > most) await handle.truncate(0); // what has arrived is wrong, wherever it came from
        await handle.sync();
      } finally {
        await handle.close();
      }
    });
    if (total === undefined && have > most) throw tooLong(connection, remote, most);
    if (total !== undefined && have < total) throw new TransientError(`it ended at ${have} of ${total} bytes`);
  } catch (error) {
    if (diskIsFull(error)) throw await fullDisk(partial, remote.file, Math.max(0, (total ?? have) - have));
    if (error instanceof TransientError) error.progressed = have - before >= 2 ** 20;
    throw error;
  }
}

function refused(response: Response, { name, commit, file }: RemoteFile, connection: Connection): Error {
  const refusal = { status: response.status, code: response.headers.get("x-error-code"), message: response.headers.get("x-error-message") };
  return refusalError(refusal, { name, revision: commit, file }, connection.endpoint, connection.token !== undefined);
}

/** Whether a file has the length that the hub gave and the content that its etag names. An etag that is no hash proves nothing. */
async function matches(path: string, { etag, bytes }: FileFacts): Promise<boolean> {
  const size = await partialSize(path);
  if (!(await exists(path)) || (bytes !== undefined && size !== bytes)) return false;
  const sha256 = /^[0-9a-f]{64}$/.test(etag);
  if (!sha256 && !/^[0-9a-f]{40}$/.test(etag)) return true;
  const hash = createHash(sha256 ? "sha256" : "sha1");
  // Git hashes a header and the content (git-hash-object).
  if (!sha256) hash.update(`blob ${size}\0`);
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(chunk as Uint8Array);
  return hash.digest("hex") === etag;
}

/** @throws HubError when the disk has less space than the file still needs, before anything is downloaded. */
async function checkRoom(partial: string, { remote, facts }: Job): Promise<void> {
  const needed = (facts.bytes ?? 0) - (await partialSize(partial));
  const { bavail, bsize } = await statfs(dirname(partial));
  if (needed > bavail * bsize) throw await fullDisk(partial, remote.file, needed);
}

async function fullDisk(partial: string, file: string, needed: number): Promise<HubError> {
  const { bavail, bsize } = await statfs(dirname(partial));
  return new HubError(
    `${file} needs ${megabytes(needed)} more on the disk of ${dirname(partial)}, which has ${megabytes(bavail * bsize)} free. ` +
      `Make room, or point --cache-dir or HF_HUB_CACHE to a larger disk; what has arrived is kept.`,
  );
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6).toLocaleString("en")} MB`;
}

function tooLong({ endpoint }: Connection, { file, name }: RemoteFile, most: number): HubError {
  return new HubError(
    `${file} of ${name} is longer than ${most} bytes, which it should not be: ${endpoint} is broken or hostile. Nothing is kept.`,
  );
}

/** Opens a partial file for writing. A link is not followed and a pipe not waited for: somebody else may have put them there. */
async function openPartial(path: string, how: number): Promise<FileHandle> {
  const { O_WRONLY, O_CREAT, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
  const handle = await open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | how, 0o666);
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw new HubError(`${path} is not a regular file. Remove it.`);
}

/** Bytes of a partial file; 0 where there is none. What is no regular file (a link, a pipe) is removed. */
async function partialSize(path: string): Promise<number> {
  const stats = await lstat(path).catch(absent);
  if (stats === undefined || stats.isFile()) return stats?.size ?? 0;
  await rm(path, { recursive: true });
  return 0;
}
