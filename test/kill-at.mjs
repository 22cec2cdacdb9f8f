// A power cut to order: preloaded into a process, it ends it by SIGKILL at the n-th time that it touches a file, half-way through a write.
// KILL_AT: that n. A process that ends by itself prints to stderr how often it touched one, "touched 12". Reads don't count.
import fs from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { isMainThread } from "node:worker_threads";

let touched = 0;
const due = () => ++touched === Number(process.env.KILL_AT);
const end = () => {
  process.kill(process.pid, "SIGKILL");
  return new Promise(() => {});
};

/** Half of what was to be written. */
const half = (data) => data.slice(0, Math.ceil(data.length / 2));

if (isMainThread) {
  const { open, rename, rm } = fs;
  fs.rename = async (...names) => (due() ? end() : rename(...names));
  fs.rm = async (...names) => (due() ? end() : rm(...names));
  fs.open = async (path, flags, ...more) => {
    const handle = await open(path, flags, ...more);
    if (flags === undefined || flags === "r") return handle;
    for (const method of ["writeFile", "appendFile"]) {
      const write = handle[method].bind(handle);
      handle[method] = async (data, ...options) => {
        if (!due()) return write(data, ...options);
        await write(half(data), ...options);
        return end();
      };
    }
    for (const method of ["sync", "datasync", "truncate"]) {
      const call = handle[method].bind(handle);
      handle[method] = async (...given) => (due() ? end() : call(...given));
    }
    return handle;
  };
  syncBuiltinESMExports();
  process.on("exit", () => process.stderr.write(`touched ${touched}\n`));
}
