// Fake hub: the parts of huggingface.co a download meets, on this machine, for tests.
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface FakeModel {
  readonly commit: string;
  readonly files: Record<string, string | Uint8Array>;
  /** Names of files stored as large ones: hashed with SHA-256 and served by another host. */
  readonly large?: readonly string[];
  readonly cardData?: unknown;
}

export interface Seen {
  readonly method: string;
  /** Path at the hub, or "cdn/…" at the host of large files. */
  readonly path: string;
  readonly authorization: string | undefined;
  readonly range: string | undefined;
}

export interface FakeHub {
  readonly endpoint: string;
  /** Every request so far, in order. */
  readonly seen: Seen[];
  /** Set it to misbehave: when it returns true it has answered, or deliberately not. */
  fault: (seen: Seen, response: ServerResponse) => boolean;
  close(): Promise<void>;
}

/** git's name of a file's content. */
export function gitSha1(content: string | Uint8Array): string {
  const bytes = Buffer.from(content);
  return createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
}

export function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/** Serves the given models (by hub name; branch "main") as the hub does, with its headers, redirects and error codes. */
export async function fakeHub(models: Record<string, FakeModel>): Promise<FakeHub> {
  const seen: Seen[] = [];
  const note = (request: IncomingMessage, response: ServerResponse, prefix: string) => {
    const { method = "GET", url = "/", headers } = request;
    const one = { method, path: prefix + url.slice(1), authorization: headers.authorization, range: headers.range };
    seen.push(one);
    return !hub.fault(one, response);
  };
  const cdn = await listen((request, response) => {
    if (!note(request, response, "cdn/")) return;
    const [, name, file] = (request.url ?? "").split("/").map(decodeURIComponent);
    send(request, response, Buffer.from(models[name!]!.files[file!]!), {});
  });
  const main = await listen((request, response) => {
    if (note(request, response, "")) answer(models, cdn.url, request, response);
  });
  const hub: FakeHub = {
    endpoint: main.url,
    seen,
    fault: () => false,
    close: async () => {
      await Promise.all([main.close(), cdn.close()]);
    },
  };
  return hub;
}

function answer(models: Record<string, FakeModel>, cdn: string, request: IncomingMessage, response: ServerResponse): void {
  const path = decodeURIComponent(request.url ?? "");
  const [, name = "", revision, file] = /^\/(?:api\/models\/)?([^/]+\/[^/]+)\/(?:revision|resolve)\/([^/]+)\/?(.*)$/.exec(path) ?? [];
  const model = models[name];
  const content = file ? model?.files[file] : "";
  if (!model) response.writeHead(404, { "x-error-code": "RepoNotFound" }).end();
  else if (revision !== "main" && revision !== model.commit) response.writeHead(404, { "x-error-code": "RevisionNotFound" }).end();
  else if (content === undefined) response.writeHead(404, { "x-error-code": "EntryNotFound" }).end();
  else if (!file) {
    const siblings = Object.keys(model.files).map((rfilename) => ({ rfilename }));
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ sha: model.commit, siblings, cardData: model.cardData }));
  } else if (model.large?.includes(file)) {
    const location = `${cdn}/${encodeURIComponent(name)}/${encodeURIComponent(file)}`;
    const facts = { "x-linked-etag": `"${sha256(content)}"`, "x-linked-size": content.length };
    response.writeHead(302, { "x-repo-commit": model.commit, location, ...facts }).end();
  } else {
    send(request, response, Buffer.from(content), { "x-repo-commit": model.commit, etag: `"${gitSha1(content)}"` });
  }
}

/** Sends bytes, or the range of them that was asked for. */
function send(request: IncomingMessage, response: ServerResponse, bytes: Buffer, headers: Record<string, string>): void {
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  const part = bytes.subarray(start);
  const range: Record<string, string> = start > 0 ? { "content-range": `bytes ${start}-${bytes.length - 1}/${bytes.length}` } : {};
  response.writeHead(start > 0 ? 206 : 200, { ...headers, ...range, "content-length": part.length });
  response.end(request.method === "HEAD" ? undefined : part);
}

async function listen(
  handler: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ url: string; close(): Promise<void> }> {
  const server: Server = createServer(handler);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const close = () =>
    new Promise<void>((done) => {
      server.close(() => done());
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}
