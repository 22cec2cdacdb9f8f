// A local web server for browser tests: the page's bundle, onnxruntime-web's files and folders of this repository.
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { dirname, extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../..", import.meta.url));
const types: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
  ".json": "application/json",
};
/** What lets a page share memory between threads, and so WebAssembly have more than one. */
const isolation = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };

/** The folder of onnxruntime-web's own files. */
export const runtimeFolder = dirname(createRequire(import.meta.url).resolve("onnxruntime-web"));

export interface Site {
  readonly origin: string;
  close(): Promise<void>;
}

/** Serves `folders` (prefix → folder) and `files` (path → bytes), with ranges; isolated or not. */
export async function serveSite(
  folders: Readonly<Record<string, string>>,
  { isolated = true, files = {} as Readonly<Record<string, Uint8Array | string>> } = {},
): Promise<Site> {
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? "/", "http://site").pathname));
    const headers: Record<string, string> = { "Content-Type": types[extname(path) || ".html"] ?? "application/octet-stream" };
    if (isolated) Object.assign(headers, isolation);
    const held = files[path];
    if (held !== undefined) return void response.writeHead(200, headers).end(held);
    const prefix = Object.keys(folders).find((each) => path.startsWith(each));
    const file = prefix === undefined ? "" : join(folders[prefix]!, path.slice(prefix.length));
    if (!existsSync(file) || !statSync(file).isFile()) return void response.writeHead(404, headers).end();
    const { size } = statSync(file);
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
    if (!range || size === 0) {
      response.writeHead(200, { ...headers, "Content-Length": String(size) });
      return void createReadStream(file).pipe(response);
    }
    const [start, end] = [Number(range[1]), Math.min(Number(range[2]), size - 1)];
    response.writeHead(206, { ...headers, "Content-Length": String(end - start + 1), "Content-Range": `bytes ${start}-${end}/${size}` });
    createReadStream(file, { start, end }).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

/** Bundles a page's script for the browser into a folder; what it imports of this library is taken from its sources.
 *  Fails where anything of Node would come along. */
export async function bundle(entry: string, outdir: string): Promise<{ bytes: number }> {
  const { metafile } = await build({
    entryPoints: [join(root, entry)],
    outdir,
    bundle: true,
    format: "esm",
    splitting: true,
    minify: true,
    keepNames: true,
    platform: "browser",
    target: "es2022",
    alias: { "ostinato/browser": join(root, "src/browser.ts") },
    metafile: true,
    logLevel: "error",
  });
  const main = Object.values(metafile.outputs).find((output) => output.entryPoint?.endsWith(entry));
  return { bytes: main?.bytes ?? 0 };
}
