// Build: compiles the addon with g++, once for each libtorch and each version of the sources.
import { execFile, execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { accessSync, constants, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism, homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { NotFoundError, OstinatoError } from "../../base/errors.ts";
import { withLock } from "../../base/lock.node.ts";
import { type Libtorch, locateLibtorch } from "./locate.ts";

/** Compiling the addon failed; the message holds the compiler's first errors. */
export class BuildError extends OstinatoError {
  override readonly code: string = "OSTINATO_BUILD";
}

export interface BuildOptions {
  readonly libtorch?: Libtorch;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Called with a message before compiling. */
  readonly onStart?: (message: string) => void;
}

/** The path of the addon for a libtorch, compiled first where needed (20 to 60 s).
 *  @throws NotFoundError without libtorch, g++ or Node's headers; BuildError when the compiler refuses. */
export async function buildAddon(options: BuildOptions = {}): Promise<string> {
  const env = options.env ?? process.env;
  const libtorch = options.libtorch ?? locateLibtorch(env);
  const target = addonPath(libtorch);
  if (existsSync(target)) return target;
  const compiler = env.CXX ?? "g++";
  const node = nodeHeaders(env);
  try {
    execFileSync(compiler, ["--version"], { stdio: "ignore" });
  } catch {
    throw new NotFoundError(
      `The libtorch engine is compiled with ${compiler}, which was not found. Install it (apt-get install -y g++) or set CXX.`,
    );
  }
  return withLock(`${dirname(target)}.building`, async () => {
    if (!existsSync(target)) await compileAddon(target, libtorch, compiler, node, options.onStart);
    return target;
  });
}

async function compileAddon(
  target: string,
  libtorch: Libtorch,
  compiler: string,
  node: string,
  onStart: BuildOptions["onStart"],
): Promise<void> {
  onStart?.(`Compiling the libtorch engine against libtorch ${libtorch.version} (${libtorch.libraries}); this happens once.`);
  const work = `${dirname(target)}.${randomBytes(4).toString("hex")}.tmp`;
  mkdirSync(work, { recursive: true });
  try {
    const flags = compileFlags(libtorch, node);
    const objects = await pooled(sources(), availableParallelism(), async (source) => {
      const object = join(work, `${source.split("/").pop()}.o`);
      try {
        const warnings = await compile(compiler, [...flags, "-c", source, "-o", object]);
        if (warnings) onStart?.(warnings);
      } catch (error) {
        if (!libtorch.cuda || !source.endsWith("nccl.cc")) throw error;
        // NCCL's headers differ between builds; without them the addon has every backend but NCCL.
        await compile(compiler, [...flags, "-DOSTINATO_NO_NCCL", "-c", source, "-o", object]);
      }
      return object;
    });
    const linked = join(work, "ostinato-torch.node");
    await compile(compiler, [...objects, "-o", linked, ...linkFlags(libtorch)]);
    mkdirSync(dirname(target), { recursive: true });
    renameSync(linked, target); // atomic: another process never loads half a file
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The path of the addon for a libtorch, whether it has been built or not. */
export function addonPath(libtorch: Libtorch): string {
  const hash = createHash("sha256");
  for (const file of [...sources(), ...headers()]) hash.update(readFileSync(file));
  const library = statSync(join(libtorch.libraries, "libtorch_cpu.so"));
  hash.update(JSON.stringify([libtorch, library.size, library.mtimeMs, process.arch, compileFlags(libtorch, "")]));
  return join(buildFolder(), `${libtorch.version}-${hash.digest("hex").slice(0, 16)}`, "ostinato-torch.node");
}

/** The folder of the C++ sources: `native/` in the repository, else the package `@ostinato/torch`. */
export function nativeFolder(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, "native/src/napi.h"))) return join(folder, "native");
  }
  try {
    return dirname(createRequire(import.meta.url).resolve("@ostinato/torch/package.json"));
  } catch {
    throw new NotFoundError(
      "The C++ sources of the libtorch engine (native/src) were not found. Run Ostinato from a clone of its repository.",
    );
  }
}

function buildFolder(): string {
  const native = nativeFolder();
  try {
    accessSync(native, constants.W_OK);
    return join(native, "build");
  } catch {
    return join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "ostinato", "native");
  }
}

const listed = (folder: string, ending: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(ending))
    .sort()
    .map((name) => join(folder, name));

/** Include folders of CUDA and NCCL, from a wheel's `nvidia` packages or the toolkit; NCCL's collectives need both. */
function cudaIncludes({ cuda, libraries }: Libtorch): string[] {
  if (!cuda) return [];
  const packages = join(libraries, "../../nvidia");
  const inWheels = existsSync(packages) ? readdirSync(packages).map((name) => join(packages, name, "include")) : [];
  return [...inWheels, "/usr/local/cuda/include"].filter((folder) => existsSync(folder));
}

const sources = (): string[] => listed(join(nativeFolder(), "src"), ".cc");
const headers = (): string[] => [...listed(join(nativeFolder(), "src"), ".h"), ...listed(join(nativeFolder(), "gloo"), ".h")];

/** The folder that holds node_api.h. @throws NotFoundError with how to set it. */
export function nodeHeaders(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const places = [env.NODE_INCLUDE, join(dirname(process.execPath), "../include/node"), "/usr/include/node", "/usr/include/nodejs/src"];
  const headersFolder = places.find((place) => place && existsSync(join(place, "node_api.h")));
  if (headersFolder) return headersFolder;
  throw new NotFoundError(
    `Node's headers (node_api.h) were not found in ${places.filter(Boolean).join(", ")}. Install them (apt-get install -y libnode-dev) or set NODE_INCLUDE to their folder.`,
  );
}

/** A version as one integer that compares as versions do: 1.13.0 → 1013, 2.4.1 → 2004. */
export function versionNumber(version: string): number {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return 1000 * major + minor;
}

function compileFlags(libtorch: Libtorch, node: string): string[] {
  const version = versionNumber(libtorch.version);
  return [
    ...[version >= 2001 ? "-std=c++20" : "-std=c++17", "-O2", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra"],
    ...["-fstack-protector-strong", "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=2"],
    ...[`-DOSTINATO_TORCH=${version}`, `-DOSTINATO_TORCH_VERSION="${libtorch.version}"`],
    ...["-DUSE_C10D_GLOO", `-D_GLIBCXX_USE_CXX11_ABI=${libtorch.newStrings ? 1 : 0}`],
    ...(libtorch.cuda ? ["-DOSTINATO_CUDA"] : []),
    // As system headers, so that warnings are about our sources alone.
    ...[node, ...libtorch.includes, ...cudaIncludes(libtorch)].map((folder) => `-isystem${folder}`),
    ...(libtorch.glooHeaders ? [] : [`-isystem${join(nativeFolder(), "gloo")}`]),
  ];
}

function linkFlags(libtorch: Libtorch): string[] {
  // No symbol of the CUDA libraries is used: without --no-as-needed the linker drops them, and their kernels are never registered.
  const cuda = libtorch.cuda ? ["-Wl,--no-as-needed", "-Wl,--allow-shlib-undefined", "-ltorch_cuda", "-lc10_cuda"] : [];
  const hardening = ["-Wl,-z,relro", "-Wl,-z,now", "-Wl,-z,noexecstack"];
  return ["-shared", ...hardening, `-L${libtorch.libraries}`, `-Wl,-rpath,${libtorch.libraries}`, ...cuda, "-ltorch_cpu", "-lc10"];
}

/** Runs the compiler and returns its warnings. @throws BuildError with its first errors. */
async function compile(compiler: string, args: string[]): Promise<string> {
  try {
    return (await promisify(execFile)(compiler, args, { maxBuffer: 64 << 20 })).stderr;
  } catch (error) {
    const errors = String((error as { stderr?: string }).stderr ?? error)
      .split("\n")
      .filter((line) => /error|undefined reference|No such file/.test(line));
    throw new BuildError(`${compiler} ${args.join(" ")}\nfailed: ${errors.slice(0, 12).join("\n") || String(error)}`);
  }
}

/** Maps over items with at most `width` in progress; results in the order of the items. */
async function pooled<A, B>(items: readonly A[], width: number, work: (item: A) => Promise<B>): Promise<B[]> {
  const results: B[] = new Array(items.length);
  let next = 0;
  const worker = async () => {
    for (let i = next++; i < items.length; i = next++) results[i] = await work(items[i]!);
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.min(width, items.length)) }, worker));
  return results;
}
