// Build: compiles the native addon with plain g++, once for each libtorch and each state of its sources.
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

/** The compiler refused; the message holds its first complaints. */
export class BuildError extends OstinatoError {
  override readonly code: string = "OSTINATO_BUILD";
}

export interface BuildOptions {
  readonly libtorch?: Libtorch;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Told once where compiling is needed. */
  readonly onStart?: (message: string) => void;
}

/** The addon's file for a libtorch, compiled first where it is not there yet (20 to 60 s).
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
    throw new NotFoundError(`There is no ${compiler}, which compiles the libtorch engine. Install it (apt-get install -y g++) or set CXX.`);
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
        await compile(compiler, [...flags, "-c", source, "-o", object]);
      } catch (error) {
        if (!libtorch.cuda || !source.endsWith("nccl.cc")) throw error;
        // NCCL's headers differ from build to build; without them the addon lacks that one backend.
        await compile(compiler, [...flags, "-DOSTINATO_NO_NCCL", "-c", source, "-o", object]);
      }
      return object;
    });
    const linked = join(work, "ostinato-torch.node");
    await compile(compiler, [...objects, "-o", linked, ...linkFlags(libtorch)]);
    mkdirSync(dirname(target), { recursive: true });
    renameSync(linked, target); // whole or absent, whoever else builds at the same time
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Where the addon for a libtorch lies, built or not. */
export function addonPath(libtorch: Libtorch): string {
  const hash = createHash("sha256");
  for (const file of [...sources(), ...headers()]) hash.update(readFileSync(file));
  const library = statSync(join(libtorch.libraries, "libtorch_cpu.so"));
  hash.update(JSON.stringify([libtorch, library.size, library.mtimeMs, process.arch, compileFlags(libtorch, "")]));
  return join(buildFolder(), `${libtorch.version}-${hash.digest("hex").slice(0, 16)}`, "ostinato-torch.node");
}

/** The folder of the C++ sources: beside src/ or dist/ in the repository, else the package `@ostinato/torch`. */
export function nativeFolder(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, "native/src/napi.h"))) return join(folder, "native");
  }
  try {
    return dirname(createRequire(import.meta.url).resolve("@ostinato/torch/package.json"));
  } catch {
    throw new NotFoundError("The sources of the libtorch engine are not there. Install them: npm install @ostinato/torch");
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

/** Where a wheel keeps CUDA's and NCCL's headers, and where the toolkit does; NCCL's collectives need both. */
function cudaIncludes({ cuda, libraries }: Libtorch): string[] {
  if (!cuda) return [];
  const packages = join(libraries, "../../nvidia");
  const inWheels = existsSync(packages) ? readdirSync(packages).map((name) => join(packages, name, "include")) : [];
  return [...inWheels, "/usr/local/cuda/include"].filter((folder) => existsSync(folder));
}

const sources = (): string[] => listed(join(nativeFolder(), "src"), ".cc");
const headers = (): string[] => [...listed(join(nativeFolder(), "src"), ".h"), ...listed(join(nativeFolder(), "gloo"), ".h")];

/** The folder that holds node_api.h. @throws NotFoundError telling how to name it. */
export function nodeHeaders(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const places = [env.NODE_INCLUDE, join(dirname(process.execPath), "../include/node"), "/usr/include/node", "/usr/include/nodejs/src"];
  const found = places.find((place) => place && existsSync(join(place, "node_api.h")));
  if (found) return found;
  throw new NotFoundError(
    `Node's headers (node_api.h) were not found in ${places.filter(Boolean).join(", ")}. Install them (apt-get install -y libnode-dev) or set NODE_INCLUDE to their folder.`,
  );
}

function compileFlags(libtorch: Libtorch, node: string): string[] {
  const [major, minor] = libtorch.version.split(".").map(Number);
  return [
    ...[major! >= 2 && minor! >= 1 ? "-std=c++20" : "-std=c++17", "-O2", "-fPIC", "-fvisibility=hidden", "-w"],
    ...[`-DOSTINATO_TORCH_MAJOR=${major}`, `-DOSTINATO_TORCH_MINOR=${minor}`, `-DOSTINATO_TORCH_VERSION="${libtorch.version}"`],
    ...["-DUSE_C10D_GLOO", `-D_GLIBCXX_USE_CXX11_ABI=${libtorch.newStrings ? 1 : 0}`],
    ...(libtorch.cuda ? ["-DOSTINATO_CUDA"] : []),
    ...[`-I${node}`, ...libtorch.includes.map((folder) => `-I${folder}`)],
    ...cudaIncludes(libtorch).map((folder) => `-isystem${folder}`),
    ...(libtorch.glooHeaders ? [] : [`-I${join(nativeFolder(), "gloo")}`]),
  ];
}

function linkFlags(libtorch: Libtorch): string[] {
  // Without --no-as-needed the linker drops the CUDA libraries, whose kernels register themselves when loaded.
  const cuda = libtorch.cuda ? ["-Wl,--no-as-needed", "-Wl,--allow-shlib-undefined", "-ltorch_cuda", "-lc10_cuda"] : [];
  return ["-shared", `-L${libtorch.libraries}`, `-Wl,-rpath,${libtorch.libraries}`, ...cuda, "-ltorch_cpu", "-lc10"];
}

async function compile(compiler: string, args: string[]): Promise<void> {
  try {
    await promisify(execFile)(compiler, args, { maxBuffer: 64 << 20 });
  } catch (error) {
    const complaints = String((error as { stderr?: string }).stderr ?? error)
      .split("\n")
      .filter((line) => /error|undefined reference|No such file/.test(line));
    throw new BuildError(`${compiler} ${args.join(" ")}\nfailed: ${complaints.slice(0, 12).join("\n") || String(error)}`);
  }
}

/** Maps over items, `width` at a time, results in order. */
async function pooled<A, B>(items: readonly A[], width: number, work: (item: A) => Promise<B>): Promise<B[]> {
  const results: B[] = new Array(items.length);
  let next = 0;
  const worker = async () => {
    for (let i = next++; i < items.length; i = next++) results[i] = await work(items[i]!);
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.min(width, items.length)) }, worker));
  return results;
}
