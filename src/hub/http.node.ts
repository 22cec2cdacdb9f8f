// HTTP: requests that are retried after drops, stalls and overload, and that send the token to the hub alone.
import { setTimeout as sleep } from "node:timers/promises";
import { concatBytes } from "../base/bytes.ts";
import { HubError, messageOf } from "../base/errors.ts";
import { printable } from "../base/shown.ts";
import { UnreachableError } from "./refusals.ts";

export interface NetworkOptions {
  /** Attempts in a row without progress. */
  readonly attempts: number;
  /** Delay before the second attempt; it doubles with each attempt, up to 16 times. */
  readonly backoffMs: number;
  /** An attempt is aborted when nothing arrives for this long. */
  readonly stallMs: number;
  /** A small answer that has not arrived whole by this time is given up, however steadily it drips in. */
  readonly answerMs: number;
  /** A file of which fewer bytes a second arrive, over `answerMs`, is given up likewise. */
  readonly leastBytesPerSecond: number;
  /** A process of another machine that fetches the same file and shows no sign of life for this long is no longer waited for. */
  readonly abandonedMs: number;
  /** Stands in for this machine's identity in tests of locks. */
  readonly machine?: string;
}

export const defaultNetwork: NetworkOptions = {
  attempts: 5,
  backoffMs: 500,
  stallMs: 30_000,
  answerMs: 60_000,
  leastBytesPerSecond: 1000,
  abandonedMs: 20_000,
};

/** The longest Retry-After that is waited for; a longer one is reported as an error. */
const longestWaitMs = 120_000;

/** The context of all requests to one hub. */
export interface Connection {
  readonly endpoint: string;
  readonly token?: string;
  readonly signal?: AbortSignal;
  readonly network: NetworkOptions;
}

/** A failure after which another attempt may succeed. */
export class TransientError extends Error {
  retryAfterMs?: number;
  /** The attempt made progress, so the count of attempts starts again. */
  progressed = false;
}

export interface Ask {
  readonly method: "GET" | "HEAD";
  readonly url: string;
  readonly headers?: Record<string, string>;
  /** Redirects are followed until this returns true for an answer. */
  readonly enough?: (response: Response) => boolean;
  /** The answer is a file, which may take as long as it needs while it arrives fast enough. Default false. */
  readonly isFile?: boolean;
}

/** Called for each part of an answer that arrives, with its length. */
export type Alive = (bytes: number) => void;

/** The text of an answer. @throws HubError when it has more than `maxBytes` bytes, after decompression where the server compressed it. */
export async function answerText(response: Response, alive: Alive, maxBytes: number): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    alive(part.length);
    bytes += part.length;
    if (bytes > maxBytes)
      throw new HubError(`${printable(response.url, 400)} answered with more than ${maxBytes} bytes. Check HF_ENDPOINT.`);
    parts.push(part);
  }
  return new TextDecoder().decode(concatBytes(parts));
}

/** Sends one request, follows redirects, and gives the answer to `read`, which calls `alive` for every piece it receives.
 *  The token is sent to the endpoint's own origin only: large files are on other hosts, at signed addresses.
 *  @throws TransientError when another attempt may succeed, UnreachableError when the host can't be reached. */
export async function request<T>(connection: Connection, ask: Ask, read: (response: Response, alive: Alive) => Promise<T>): Promise<T> {
  const { endpoint, token, network } = connection;
  const watch = watchdog(network, ask.isFile ?? false, connection.signal);
  let url = new URL(ask.url);
  try {
    for (let hop = 0; hop <= 5; hop++) {
      const headers = new Headers({ ...ask.headers, "user-agent": "ostinato", "accept-encoding": "identity" });
      if (token && url.origin === new URL(endpoint).origin) headers.set("authorization", `Bearer ${token}`);
      const response = await fetch(url, { method: ask.method, headers, redirect: "manual", signal: watch.signal });
      watch.alive(0);
      try {
        const location = response.status >= 300 && response.status < 400 && response.headers.get("location");
        if (!location || ask.enough?.(response)) {
          if (response.status === 408 || response.status === 429 || response.status >= 500) throw overload(response, url);
          // The hub accepted the request, so the storage refuses an expired signed address. The next attempt requests a new one.
          if (response.status === 403 && url.origin !== new URL(endpoint).origin) throw overload(response, url);
          return await read(response, watch.alive);
        }
        url = new URL(location, url);
      } finally {
        // Frees the socket of an answer that was not read to its end. For others this fails, which is harmless.
        await response.body?.cancel().catch(() => {});
      }
    }
    throw new HubError(`${ask.url} leads from redirect to redirect without end. Check HF_ENDPOINT.`);
  } catch (error) {
    throw watch.signal.aborted ? watch.signal.reason : explain(error, url);
  } finally {
    watch.stop();
  }
}

/** Runs `attempt` until it returns or throws a final error.
 *  @throws UnreachableError after `network.attempts` transient failures in a row. */
export async function withRetries<T>({ network, signal }: Connection, what: string, attempt: () => Promise<T>): Promise<T> {
  for (let failures = 0; ; ) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
      failures = error.progressed ? 1 : failures + 1;
      const wait = error.retryAfterMs ?? network.backoffMs * 2 ** Math.min(failures - 1, 4);
      if (failures >= network.attempts || wait > longestWaitMs) {
        const asked = wait > longestWaitMs ? `; the server asks to wait ${Math.ceil(wait / 1000)} s` : ` after ${failures} attempts`;
        throw new UnreachableError(`${what} did not arrive${asked}: ${error.message}. Try again later: what has arrived is kept.`);
      }
      await sleep(wait, undefined, signal && { signal }).catch(() => signal?.throwIfAborted());
    }
  }
}

/** An abort signal that fires when the caller's does, when `alive` has not been called for `stallMs`, and when the answer takes longer than
 *  `answerMs`: a file only where too little of it arrived in that time. */
function watchdog({ stallMs, answerMs, leastBytesPerSecond }: NetworkOptions, isFile: boolean, outer: AbortSignal | undefined) {
  outer?.throwIfAborted();
  const controller = new AbortController();
  const stalled = () => controller.abort(new TransientError(`nothing arrived for ${stallMs / 1000} s`));
  const timer = setTimeout(stalled, stallMs);
  let received = 0;
  const deadline = setInterval(() => {
    const isEnough = isFile && received >= (leastBytesPerSecond * answerMs) / 1000;
    if (!isEnough) controller.abort(new TransientError(`only ${received} bytes arrived in ${answerMs / 1000} s`));
    received = 0;
  }, answerMs);
  const cancel = () => controller.abort(outer?.reason);
  outer?.addEventListener("abort", cancel);
  return {
    signal: controller.signal,
    alive: (bytes: number) => {
      received += bytes;
      timer.refresh();
    },
    stop: () => {
      clearTimeout(timer);
      clearInterval(deadline);
      outer?.removeEventListener("abort", cancel);
    },
  };
}

function overload(response: Response, url: URL): TransientError {
  const error = new TransientError(`${url.host} answered ${response.status}`);
  const header = response.headers.get("retry-after");
  if (header) {
    // A number of seconds or a date.
    const ms = /^\d+$/.test(header) ? 1000 * Number(header) : Date.parse(header) - Date.now();
    if (Number.isFinite(ms)) error.retryAfterMs = Math.max(0, ms);
  }
  return error;
}

const noWay = new Set(["ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ENETUNREACH", "EHOSTUNREACH"]);

/** Node's fetch reports every network failure as a TypeError of one of two messages, whose cause says what happened. */
function explain(error: unknown, url: URL): unknown {
  if (!(error instanceof TypeError && ["fetch failed", "terminated"].includes(error.message))) return error;
  const cause = error.cause as (Error & { code?: string }) | undefined;
  const reason = cause?.code ?? cause?.message ?? messageOf(error);
  if (cause?.code && noWay.has(cause.code)) {
    const proxied = process.env.HTTPS_PROXY || process.env.https_proxy;
    const hint = proxied ? " HTTPS_PROXY is set, which Node's fetch uses only from Node 24 on, with NODE_USE_ENV_PROXY=1." : "";
    return new UnreachableError(`${url.host} can't be reached (${reason}).${hint}`);
  }
  if (cause?.code?.includes("CERT") || cause?.code?.includes("SELF_SIGNED")) {
    return new UnreachableError(
      `${url.host} shows a certificate that is not trusted (${reason}). Behind a company's proxy, set NODE_EXTRA_CA_CERTS.`,
    );
  }
  return new TransientError(`the connection to ${url.host} broke (${reason})`, { cause: error });
}
