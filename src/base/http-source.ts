// Remote files as byte sources: ranged requests over fetch, in the browser and in Node alike.
import { type ByteSource, memorySource, rangedSource } from "./byte-source.ts";
import { HubError, messageOf, NotFoundError } from "./errors.ts";

/** How requests for a remote file are made, and how patiently. */
export interface HttpSourceOptions {
  /** Sent with every request: an access token, say. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Stops what is under way; its reason is what reads reject with. */
  readonly signal?: AbortSignal;
  /** How often a request is made before it counts as failed. */
  readonly attempts?: number;
  /** Wait before the second attempt; it doubles from one to the next. */
  readonly pauseMilliseconds?: number;
}

/** What the first request brings along: small files and most headers whole. */
const firstBytes = 1 << 16;

/** A file behind an address, read by ranges. A server that knows no ranges has it sent whole, once, and kept in memory.
 *  @throws NotFoundError when there is nothing at the address, HubError when it can't be had; reads also throw HubError when the
 *  file behind the address has changed since it was opened. */
export async function httpSource(url: string | URL, options: HttpSourceOptions = {}): Promise<ByteSource> {
  const name = String(url);
  const first = await request(name, { Range: `bytes=0-${firstBytes - 1}` }, options);
  if (first.status === 200) return memorySource(first.body, name);
  if (first.status === 416) return memorySource(new Uint8Array(0), name); // no first byte: the file is empty
  const size = first.size ?? (await sizeByHead(name, options));
  const tag = first.tag;
  return rangedSource({ name, size }, async (offset, length) => {
    if (length === 0) return new Uint8Array(0);
    if (offset + length <= first.body.length) return first.body.slice(offset, offset + length);
    const answer = await request(name, { Range: `bytes=${offset}-${offset + length - 1}` }, options, length);
    if (answer.status !== 206 || (answer.size ?? size) !== size || answer.tag !== tag) {
      throw new HubError(`${name} changed while it was being read. Load it again.`);
    }
    return answer.body;
  });
}

interface Answer {
  readonly status: number;
  readonly body: Uint8Array;
  /** Bytes of the whole file, where the answer tells. */
  readonly size: number | undefined;
  /** What changes when the file does. */
  readonly tag: string | null;
}

/** One request with its repetitions: lost connections, short answers and a server's own trouble are tried again. */
async function request(url: string, headers: Record<string, string>, options: HttpSourceOptions, expected?: number): Promise<Answer> {
  const { attempts = 4, pauseMilliseconds = 300, signal } = options;
  let trouble = "";
  for (let attempt = 0; attempt < attempts; attempt++) {
    if (attempt > 0) await new Promise((resolve) => setTimeout(resolve, pauseMilliseconds * 2 ** (attempt - 1)));
    signal?.throwIfAborted();
    try {
      const response = await fetch(url, { headers: { ...options.headers, ...headers }, ...(signal && { signal }) });
      if (response.ok || response.status === 416) {
        const body = new Uint8Array(await response.arrayBuffer());
        const short = response.status === 206 && expected !== undefined && body.length !== expected;
        if (!short) return { status: response.status, body, size: wholeSize(response), tag: tagOf(response) };
        trouble = `it sent ${body.length} bytes of ${expected}`;
      } else {
        await response.body?.cancel();
        refuse(url, response);
        trouble = `it answered ${response.status}`;
      }
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof NotFoundError || error instanceof HubError) throw error;
      trouble = messageOf(error);
    }
  }
  throw new HubError(
    `${url} could not be had in ${attempts} attempts: ${trouble}. Check the connection, and for another site's file that it allows yours (CORS).`,
  );
}

/** Throws for an answer that will be the same next time. */
function refuse(url: string, { status }: Response): void {
  if (status === 404 || status === 410) throw new NotFoundError(`There is nothing at ${url}.`);
  if (status === 401 || status === 403) throw new HubError(`${url} is not open to you (${status}). Give a token in headers.`);
  const again = status === 408 || status === 429 || status >= 500;
  if (!again) throw new HubError(`${url} answered ${status}.`);
}

/** From `Content-Range: bytes 0-9/1234`, which another site may hide from a page. */
function wholeSize(response: Response): number | undefined {
  const total = /\/(\d+)$/.exec(response.headers.get("content-range") ?? "")?.[1];
  return total === undefined ? undefined : Number(total);
}

const tagOf = ({ headers }: Response) => headers.get("etag") ?? headers.get("last-modified");

async function sizeByHead(url: string, { headers = {}, signal }: HttpSourceOptions): Promise<number> {
  const response = await fetch(url, { method: "HEAD", headers, ...(signal && { signal }) });
  const length = response.headers.get("content-length");
  if (length === null) throw new HubError(`${url} doesn't tell its length. Have its server expose Content-Range or send Content-Length.`);
  return Number(length);
}
