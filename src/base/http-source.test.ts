// Ranged reading over HTTP: exact bytes from servers with ranges and without, and words for everything that goes wrong.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { HubError, NotFoundError } from "./errors.ts";
import { httpSource } from "./http-source.ts";

const content = Uint8Array.from({ length: 200_000 }, (_, i) => (i * 31) & 255);
const quick = { pauseMilliseconds: 1 };
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A server whose answers the test writes; gives its address and the ranges that were asked for. */
async function serve(answer: (request: IncomingMessage, response: ServerResponse, count: number) => void) {
  const ranges: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    ranges.push(request.headers.range);
    answer(request, response, ranges.length);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/model.bin`, ranges };
}

function sendRange(request: IncomingMessage, response: ServerResponse, headers: Record<string, string> = {}, bytes = content) {
  const [, start, end] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? "")!.map(Number) as [number, number, number];
  const part = bytes.subarray(start, end + 1);
  response.writeHead(206, { "Content-Range": `bytes ${start}-${start + part.length - 1}/${bytes.length}`, ...headers }).end(part);
}

test("reads exactly the bytes asked for, the first of them from the first answer", async () => {
  const { url, ranges } = await serve((request, response) => sendRange(request, response));
  const source = await httpSource(url, quick);
  expect(source.size).toBe(200_000);
  expect(await source.read(8, 1000)).toEqual(content.slice(8, 1008));
  expect(ranges).toEqual(["bytes=0-65535"]);
  expect(await source.read(65_000, 3000)).toEqual(content.slice(65_000, 68_000));
  expect(await source.read(199_999, 1)).toEqual(content.slice(-1));
  expect(await source.read(200_000, 0)).toEqual(new Uint8Array(0));
  expect(ranges.slice(1)).toEqual(["bytes=65000-67999", "bytes=199999-199999"]);
  await expect(source.read(199_999, 2)).rejects.toThrow("ends at byte 200000");
});

test("a server without ranges sends the file once", async () => {
  const { url, ranges } = await serve((_, response) => response.end(content));
  const source = await httpSource(url, quick);
  expect(await source.read(150_000, 10)).toEqual(content.slice(150_000, 150_010));
  expect(ranges.length).toBe(1);
});

test("an empty file and one whose total is hidden are opened too", async () => {
  const empty = await serve((_, response) => response.writeHead(416).end());
  expect((await httpSource(empty.url, quick)).size).toBe(0);
  const hidden = await serve((request, response) => {
    if (request.method === "HEAD") response.writeHead(200, { "Content-Length": "200000" }).end();
    else response.writeHead(206).end(content.subarray(0, 65_536));
  });
  expect((await httpSource(hidden.url, quick)).size).toBe(200_000);
});

test("lost connections, short answers and a busy server are tried again", async () => {
  const { url, ranges } = await serve((request, response, count) => {
    if (count === 2) return void response.destroy();
    if (count === 3) return void response.writeHead(503).end();
    if (count === 4) return void response.writeHead(206, { "Content-Range": "bytes 70000-70009/200000" }).end(content.subarray(0, 5));
    sendRange(request, response);
  });
  const source = await httpSource(url, quick);
  expect(await source.read(70_000, 10)).toEqual(content.slice(70_000, 70_010));
  expect(ranges.length).toBe(5);
});

test("what stays wrong is said: nothing there, not allowed, never an answer", async () => {
  const missing = await serve((_, response) => response.writeHead(404).end());
  await expect(httpSource(missing.url, quick)).rejects.toThrow(NotFoundError);
  expect(missing.ranges.length).toBe(1);
  const closed = await serve((_, response) => response.writeHead(401).end());
  await expect(httpSource(closed.url, quick)).rejects.toThrow(/not open to you \(401\)\. Give a token/);
  const busy = await serve((_, response) => response.writeHead(500).end());
  await expect(httpSource(busy.url, quick)).rejects.toThrow(/4 attempts: it answered 500\./);
  expect(busy.ranges.length).toBe(4);
});

test("a file that changes between two reads is refused", async () => {
  const { url } = await serve((request, response, count) => sendRange(request, response, { ETag: count === 1 ? '"a"' : '"b"' }));
  const source = await httpSource(url, quick);
  const reading = source.read(100_000, 10);
  await expect(reading).rejects.toThrow(HubError);
  await expect(reading).rejects.toThrow("changed while it was being read");
});

test("a signal stops a read, and its reason is the error", async () => {
  const { url } = await serve((request, response, count) => (count === 1 ? sendRange(request, response) : undefined));
  const stop = new AbortController();
  const source = await httpSource(url, { ...quick, signal: stop.signal });
  const reading = source.read(100_000, 10);
  setTimeout(() => stop.abort(new Error("enough")), 20);
  await expect(reading).rejects.toThrow("enough");
});
