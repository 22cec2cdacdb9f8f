// Setup: checks what the libtorch engine needs on this machine and installs what is missing.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { messageOf, NotFoundError } from "../../base/errors.ts";
import { addonPath, nativeFolder, nodeHeaders } from "./build.ts";
import { type Libtorch, searchLibtorch } from "./locate.ts";

/** One requirement of the engine. */
export interface Finding {
  readonly what: string;
  readonly found: boolean;
  /** Where it was found, or what does not work without it. */
  readonly detail: string;
  /** Debian packages that provide it. */
  readonly packages: readonly string[];
}

export interface Diagnosis {
  readonly ready: boolean;
  readonly libtorch: Libtorch | undefined;
  /** Whether the addon for this libtorch has been compiled. */
  readonly built: boolean;
  readonly findings: readonly Finding[];
  /** Commands that install what is missing, in order. Empty where nothing is missing or this system's package manager is not known. */
  readonly commands: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Checks every requirement. Compiles and installs nothing. `isInstalled` tells of a Debian package. */
export function diagnoseTorch(env: Environment = process.env, isInstalled = hasPackage): Diagnosis {
  const { found: libtorch, refused } = searchLibtorch(env);
  const looked = refused.map(({ place, reason }) => `${place}: ${reason}`).join("; ");
  const findings: Finding[] = [
    {
      what: "libtorch",
      found: libtorch !== undefined,
      detail: libtorch
        ? `${libtorch.version}${libtorch.cuda ? " with CUDA" : ""} in ${libtorch.libraries} (${libtorch.origin})`
        : `without it nothing trains, and inference has ONNX alone (${looked})`,
      packages: env.LIBTORCH ? [] : ["libtorch-dev", "libgloo-dev", "libopenblas0-openmp"],
    },
  ];
  if (libtorch?.origin === "debian") {
    findings.push({
      what: "Gloo's headers",
      found: libtorch.glooHeaders,
      detail: libtorch.glooHeaders ? "/usr/include/gloo" : "the addon's collectives don't compile against Debian's libtorch without them",
      packages: ["libgloo-dev"],
    });
  }
  const compiler = env.CXX ?? "g++";
  findings.push(present(compiler, () => versionOf(compiler), "the addon is compiled with it, once", env.CXX ? [] : ["g++", "libc6-dev"]));
  findings.push(
    present("Node's headers", () => join(nodeHeaders(env), "node_api.h"), "the addon is compiled against them", ["libnode-dev"]),
  );
  findings.push(present("the addon's sources", nativeFolder, "they come with a clone of the repository", []));
  const missing = findings.filter((finding) => !finding.found);
  const packages = [...new Set(missing.flatMap((finding) => finding.packages))].filter((name) => !isInstalled(name));
  const root = process.getuid?.() === 0;
  const sudo = root ? "" : "sudo ";
  const known = packages.length > 0 && existsSync("/usr/bin/apt-get");
  return {
    ready: missing.length === 0,
    libtorch,
    built: missing.length === 0 && existsSync(addonPath(libtorch!)),
    findings,
    commands: known ? [`${sudo}apt-get update`, `${sudo}apt-get install -y --no-install-recommends ${packages.join(" ")}`] : [],
  };
}

function present(what: string, look: () => string, cost: string, packages: readonly string[]): Finding {
  try {
    return { what, found: true, detail: look(), packages };
  } catch (error) {
    return { what, found: false, detail: `${cost} (${messageOf(error)})`, packages };
  }
}

function hasPackage(name: string): boolean {
  const { stdout } = spawnSync("dpkg-query", ["-W", `-f=\${db:Status-Status}`, name], { encoding: "utf8" });
  return stdout === "installed";
}

function versionOf(compiler: string): string {
  return execFileSync(compiler, ["--version"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).split("\n")[0]!;
}

/** Installs what is missing with apt-get where this is Debian and the user is root; reports each command to `say`.
 *  @throws NotFoundError with the exact commands where it may not install, or with what is still missing afterwards. */
export async function setupTorch(say: (line: string) => void, env: Environment = process.env): Promise<Diagnosis> {
  const before = diagnoseTorch(env);
  if (before.ready) return before;
  if (before.commands.length === 0 || process.getuid?.() !== 0) throw new NotFoundError(advice(before));
  for (const command of before.commands) {
    say(command);
    await run(command, say);
  }
  const after = diagnoseTorch(env);
  if (!after.ready) throw new NotFoundError(advice(after));
  return after;
}

/** What is missing, and how to install it, in a few lines. */
export function advice({ findings, commands }: Diagnosis): string {
  const missing = findings.filter((finding) => !finding.found).map(({ what, detail }) => `missing, ${what}: ${detail}`);
  const how =
    commands.length > 0
      ? ["Install it:", ...commands.map((command) => `  ${command}`)]
      : ["Set LIBTORCH to an unpacked libtorch, or OSTINATO_PYTHON to a python that has torch, and install g++ and Node's headers."];
  return [...missing, ...how].join("\n");
}

function run(command: string, say: (line: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const [program, ...args] = command.split(" ");
    const child = spawn(program!, args, {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    });
    let complaints = "";
    child.stderr.on("data", (chunk) => {
      complaints = (complaints + chunk).slice(-2000);
    });
    child.on("error", reject);
    child.on("exit", (code) => {
      if (code === 0) return resolve();
      say(complaints);
      reject(new NotFoundError(`${command} ended with ${code}. ${complaints.split("\n").filter(Boolean).at(-1) ?? ""}`));
    });
  });
}
