// Locate: finds the libtorch to build against. LIBTORCH names one; else that of a Python that has torch; else Debian's package.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { messageOf, NotFoundError } from "../../base/errors.ts";

/** A libtorch to compile and link against. */
export interface Libtorch {
  readonly version: string;
  /** How it was found. */
  readonly origin: "LIBTORCH" | "python" | "debian";
  readonly includes: readonly string[];
  readonly libraries: string;
  readonly cuda: boolean;
  /** Whether it comes with Gloo's headers; `native/gloo` declares what is needed otherwise. */
  readonly glooHeaders: boolean;
  /** Whether it was built with the C++11 ABI of std::string; wheels before 2.6 were not. */
  readonly newStrings: boolean;
}

/** A place that was searched, and why nothing there can be used. */
export interface Refusal {
  readonly place: string;
  readonly reason: string;
}

export interface Search {
  readonly found: Libtorch | undefined;
  readonly refused: readonly Refusal[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The Python to ask for torch: OSTINATO_PYTHON, else `python3`; undefined for "none". */
export function pythonOf(env: Environment): string | undefined {
  const python = env.OSTINATO_PYTHON ?? "python3";
  return python === "none" || python === "" ? undefined : python;
}

/** Searches the places in order and lists those without a usable libtorch. Runs nothing of a torch that it finds. */
export function searchLibtorch(env: Environment = process.env): Search {
  const refused: Refusal[] = [];
  const attempt = (place: string, look: () => Libtorch): Libtorch | undefined => {
    try {
      return look();
    } catch (error) {
      refused.push({ place, reason: messageOf(error) });
      return undefined;
    }
  };
  if (env.LIBTORCH) {
    const root = env.LIBTORCH; // Set by the user: a mistake in it is reported, not worked around.
    return { found: attempt(`LIBTORCH=${root}`, () => unpacked(root, "LIBTORCH")), refused };
  }
  const python = pythonOf(env);
  const installation = (python && attempt(python, () => unpacked(wheelFolder(python), "python"))) || attempt("Debian's packages", debian);
  return { found: installation, refused };
}

/** The first usable libtorch. @throws NotFoundError with the places searched and how to get a libtorch. */
export function locateLibtorch(env: Environment = process.env): Libtorch {
  const search = searchLibtorch(env);
  return search.found ?? missingLibtorch(search);
}

/** @throws NotFoundError with the places searched and how to get a libtorch. */
export function missingLibtorch({ refused }: Search): never {
  const searched = refused.map(({ place, reason }) => `${place}: ${reason}`).join("\n  ");
  throw new NotFoundError(
    `No libtorch was found.\n  ${searched}\nRun \`ostinato setup torch\`, or set LIBTORCH to an unpacked libtorch, or OSTINATO_PYTHON to a python that has torch.`,
  );
}

/** The folder of the torch package that a Python would import, found without importing it. */
function wheelFolder(python: string): string {
  const ask = "import importlib.util as u; s = u.find_spec('torch'); print(s.origin if s and s.origin else '')";
  let origin: string;
  try {
    origin = execFileSync(python, ["-c", ask], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], timeout: 20_000 }).trim();
  } catch {
    throw new NotFoundError("it does not run");
  }
  if (!origin) throw new NotFoundError("it has no torch");
  return dirname(origin);
}

/** A libtorch archive, or the torch folder of a wheel: both have include/ and lib/. */
function unpacked(root: string, origin: Libtorch["origin"]): Libtorch {
  const libraries = join(root, "lib");
  for (const needed of ["include/ATen/ATen.h", "include/torch/csrc/api/include", "lib/libtorch_cpu.so"]) {
    if (!existsSync(join(root, needed))) throw new NotFoundError(`${join(root, needed)} is missing`);
  }
  const header = join(root, "include/torch/headeronly/version.h"); // since 2.9, where the old header only includes it
  const version = versionFrom(existsSync(header) ? header : join(root, "include/torch/csrc/api/include/torch/version.h"));
  return {
    version,
    origin,
    includes: [join(root, "include"), join(root, "include/torch/csrc/api/include")],
    libraries,
    cuda: existsSync(join(libraries, "libtorch_cuda.so")),
    glooHeaders: existsSync(join(root, "include/gloo/context.h")),
    newStrings: usesNewStrings(join(libraries, "libc10.so")),
  };
}

function debian(): Libtorch {
  const folder = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"].find((path) => existsSync(join(path, "libtorch_cpu.so")));
  const header = "/usr/include/torch/csrc/api/include/torch/version.h";
  if (!folder || !existsSync(header)) throw new NotFoundError("libtorch-dev is not installed");
  return {
    version: versionFrom(header),
    origin: "debian",
    includes: ["/usr/include/torch/csrc/api/include"],
    libraries: folder,
    cuda: existsSync(join(folder, "libtorch_cuda.so")),
    glooHeaders: existsSync("/usr/include/gloo/context.h"),
    newStrings: true,
  };
}

function versionFrom(header: string): string {
  const text = readFileSync(header, "utf8");
  const part = (name: string) => text.match(new RegExp(`#define TORCH_VERSION_${name} (\\d+)`))?.[1];
  const [major, minor, patch] = [part("MAJOR"), part("MINOR"), part("PATCH")];
  if (!major || !minor) throw new NotFoundError(`${header} names no version`);
  return `${major}.${minor}.${patch ?? 0}`;
}

/** Symbols of functions that take a std::string contain `__cxx11` under the C++11 ABI. */
function usesNewStrings(library: string): boolean {
  return readFileSync(library).includes("_ZN3c105ErrorC1ENS_14SourceLocationENSt7__cxx1112basic_string");
}
