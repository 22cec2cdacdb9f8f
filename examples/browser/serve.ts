// Bundles the page beside this file and serves it with a model's folder, on this machine alone.
//   npx tsx examples/browser/serve.ts path/to/model-folder
import { createReadStream, existsSync, mkdtempSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const [model = ".", port = "8080"] = process.argv.slice(2);
const here = fileURLToPath(new URL(".", import.meta.url));
const app = mkdtempSync(join(tmpdir(), "ostinato-page-"));
await build({
  entryPoints: [join(here, "embed.ts")],
  outdir: app,
  bundle: true,
  format: "esm",
  splitting: true,
  minify: true,
  keepNames: true,
});

const folders: Readonly<Record<string, string>> = {
  "/": here,
  "/app": app,
  "/model": model,
  "/ort": dirname(createRequire(import.meta.url).resolve("onnxruntime-web")),
};
const types: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

createServer((request, response) => {
  const path = (request.url === "/" ? "/index.html" : request.url!).split("?")[0]!;
  const file = join(folders[dirname(path)] ?? "", basename(path));
  // Without these two headers WebAssembly has one thread.
  const headers = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };
  if (!folders[dirname(path)] || !existsSync(file)) return void response.writeHead(404, headers).end();
  response.writeHead(200, { ...headers, "Content-Type": types[extname(file)] ?? "application/octet-stream" });
  createReadStream(file).pipe(response);
}).listen(Number(port), "127.0.0.1", () => console.log(`http://localhost:${port}/`));
