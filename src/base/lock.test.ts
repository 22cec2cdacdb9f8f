// Locks between processes: waiting, dead and suspended holders, holders on other machines, and what a late holder may still write.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rename, rm, utimes, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { claimFolder } from "./claim.node.ts";
import { openJournal } from "./journal.node.ts";
import { type Holder, LockHeldError, LockLostError, takeLock, withLock } from "./lock.node.ts";
import { thisProcess } from "./process-identity.node.ts";
import { workerUrl } from "./worker-pool.node.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "ostinato-lock-"));
});
afterAll(() => rm(root, { recursive: true }));

const record = (more: object = {}) => JSON.stringify({ ...thisProcess(), token: "0123456789abcdef", ...more });
const stale = { pollMs: 5, staleMs: 150 };

/** A child that claims `folder` and appends numbered lines to its journal until it has written `lines`. */
async function writer(
  folder: string,
  { lines, machine }: { lines: number; machine?: string },
): Promise<ChildProcess & { output: () => string }> {
  const built = (path: string) => JSON.stringify(workerUrl(import.meta.url, path).href);
  const code = `
    import { inClaimedFolder } from ${built("./claim.node.js")};
    import { openJournal } from ${built("./journal.node.js")};
    import { setTimeout as sleep } from "node:timers/promises";
    try {
      await inClaimedFolder(${JSON.stringify(folder)}, async (guard) => {
        const journal = await openJournal(${JSON.stringify(join(folder, "rows.jsonl"))}, { guard });
        for (let n = journal.lines.length; n < ${lines}; n++) {
          await journal.append({ n });
          if (n === 3) console.log("begun");
          await sleep(5);
        }
        await journal.close();
      }, { staleMs: 200, machine: ${JSON.stringify(machine)} });
      console.log("finished");
    } catch (error) {
      console.log(error.code, error.message);
    }`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (text) => (output += String(text)));
  while (!output.includes("\n")) await once(child.stdout, "data");
  return Object.assign(child, { output: () => output });
}

const rows = async (folder: string) =>
  (await readFile(join(folder, "rows.jsonl"), "utf8"))
    .trimEnd()
    .split("\n")
    .map((line) => (JSON.parse(line) as { n: number }).n);
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

test("a lock lets one through at a time", async () => {
  let inside = 0;
  let most = 0;
  const visit = () =>
    withLock(
      join(root, "busy"),
      async () => {
        most = Math.max(most, ++inside);
        await new Promise((done) => setTimeout(done, 10));
        inside--;
      },
      { pollMs: 2 },
    );
  await Promise.all([visit(), visit(), visit()]);
  expect(most).toBe(1);
});

test("the lock of a dead process of this machine is taken over at once", async () => {
  const child = spawn(process.execPath, ["-e", ""]);
  await once(child, "exit");
  const path = join(root, "dead");
  await writeFile(path, record({ pid: child.pid }));
  const lock = await takeLock(path, { pollMs: 2 });
  expect(lock.tookOver).toBe(false);
  await lock.release();
});

test.runIf(process.platform === "linux")("a number that went to a later process does not make its former owner live", async () => {
  const path = join(root, "namesake");
  await writeFile(path, record({ started: "1" }));
  const lock = await takeLock(path, { pollMs: 2 });
  await expect(takeLock(path, { signal: AbortSignal.timeout(50), pollMs: 5 })).rejects.toThrow(); // this process lives
  await lock.release();
});

test("the lock of another machine is taken over only when its file stays untouched", async () => {
  const path = join(root, "elsewhere");
  await writeFile(path, record({ machine: "another" }));
  const started = performance.now();
  const touch = setInterval(() => void utimes(path, new Date(), new Date()), 20);
  setTimeout(() => clearInterval(touch), 200);
  await withLock(path, async ({ tookOver }) => expect(tookOver).toBe(true), stale);
  expect(performance.now() - started).toBeGreaterThan(300);
  expect((await readdir(root)).filter((name) => name.startsWith("elsewhere"))).toEqual([]);
});

test("a file that is no lock of this library is treated as one of another machine", async () => {
  const path = join(root, "unknown");
  for (const text of ["", "null", "[1]", '{"pid":-1}', `{"pid":1,"machine":"\x1b"`, "x".repeat(1e5)]) {
    await writeFile(path, text);
    await withLock(path, async ({ tookOver }) => expect(tookOver).toBe(true), stale);
  }
});

test("who would rather not wait is refused at once while the holder lives, however long its file has not been touched", async () => {
  const path = join(root, "alive");
  const lock = await takeLock(path);
  await utimes(path, 1e9, 1e9);
  const refusal = (holder: Holder) => new Error(`held by ${holder.process}`);
  await expect(takeLock(path, { ...stale, refusal })).rejects.toThrow(`held by ${process.pid}@${hostname()}`);
  await expect(takeLock(path, { ...stale, signal: AbortSignal.timeout(400) })).rejects.toThrow("timeout");
  await lock.check();
  await lock.release();
  await (await takeLock(path, { refusal })).release();
});

test("a holder whose lock was taken over, or removed, learns it and leaves its successor's lock alone", async () => {
  const path = join(root, "slept");
  const lock = await takeLock(path);
  await lock.check();
  await writeFile(path, record({ pid: 77, host: "other\x1b[31m" }));
  await expect(lock.check()).rejects.toThrow(/Process 77@other\\u001b\[31m took over .*slept/);
  await lock.release();
  expect(await readFile(path, "utf8")).toContain('"pid":77');
  await rm(path);
  await expect(lock.check()).rejects.toThrow(LockLostError);
});

test.runIf(process.platform === "linux")(
  "a suspended run of this machine is named and keeps its folder; it finishes with no row doubled",
  async () => {
    const folder = join(root, "suspended");
    const child = await writer(folder, { lines: 60 });
    child.kill("SIGSTOP");
    await new Promise((done) => setTimeout(done, 500)); // past staleMs
    await expect(claimFolder(folder, { staleMs: 200 })).rejects.toThrow(
      new RegExp(
        `Another run \\(process ${child.pid}@.* is writing to ${folder} and is suspended: continue it \\(kill -CONT ${child.pid}\\)`,
      ),
    );
    await expect(takeLock(join(folder, ".ostinato.lock"), stale)).rejects.toThrow(LockHeldError);
    child.kill("SIGCONT");
    await once(child, "exit");
    expect(child.output()).toContain("finished");
    expect(await rows(folder)).toEqual(upTo(60));
  },
);

test.runIf(process.platform === "linux")(
  "a run of another machine that is taken over while suspended writes no late row, and says so",
  async () => {
    const folder = join(root, "late");
    const child = await writer(folder, { lines: 100, machine: "another machine" });
    child.kill("SIGSTOP");
    const claim = await claimFolder(folder, { staleMs: 200 });
    expect(claim.tookOver).toBe(true);
    const journal = await openJournal<{ n: number }>(join(folder, "rows.jsonl"), { guard: claim });
    expect(journal.lines.length).toBeLessThan(100);
    child.kill("SIGCONT");
    await once(child, "exit");
    expect(child.output()).toMatch(/OSTINATO_(LOCK_LOST|OUTPUT_REMOVED) /);
    for (let n = journal.lines.length; n < 100; n++) await journal.append({ n });
    await journal.close();
    await claim.release();
    expect(await rows(folder)).toEqual(upTo(100));
  },
);

test("a run whose folder is removed or replaced fails instead of ending well", async () => {
  for (const after of ["removed", "replaced"]) {
    const folder = join(root, after);
    const child = await writer(folder, { lines: 200 });
    await rename(folder, `${folder}.away`);
    if (after === "replaced") await (await claimFolder(folder)).release();
    await once(child, "exit");
    expect(child.output()).toMatch(
      new RegExp(`OSTINATO_OUTPUT_REMOVED The output folder ${folder} was ${after} while this run was writing`),
    );
    expect(child.output()).not.toContain("finished");
  }
});
