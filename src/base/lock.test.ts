// Locks between processes.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { LockLostError, takeLock, withLock } from "./lock.node.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "ostinato-lock-"));
});
afterAll(() => rm(root, { recursive: true }));

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
  await writeFile(path, `${child.pid}@${hostname()}`);
  const lock = await takeLock(path, { pollMs: 2 });
  expect(lock.tookOver).toBe(false);
  await lock.release();
});

test("the lock of a dead process that had this one's number is taken over at once", async () => {
  const path = join(root, "namesake");
  await writeFile(path, `${process.pid}@${hostname()} 0123456789abcdef`);
  await utimes(path, 1e9, 1e9);
  const lock = await takeLock(path, { pollMs: 2 });
  await expect(takeLock(path, { signal: AbortSignal.timeout(50), pollMs: 5 })).rejects.toThrow(); // ours is no dead one's
  await lock.release();
});

test("the lock of another machine is taken over only when its file stays untouched", async () => {
  const path = join(root, "elsewhere");
  await writeFile(path, "1@another-machine");
  const started = performance.now();
  const touch = setInterval(() => void utimes(path, new Date(), new Date()), 20);
  setTimeout(() => clearInterval(touch), 200);
  await withLock(path, async ({ tookOver }) => expect(tookOver).toBe(true), { pollMs: 5, staleMs: 150 });
  expect(performance.now() - started).toBeGreaterThan(300);
  expect((await readdir(root)).filter((name) => name.startsWith("elsewhere"))).toEqual([]);
});

test("who would rather not wait is refused once the holder shows a sign of life", async () => {
  const path = join(root, "alive");
  const lock = await takeLock(path, { staleMs: 100 });
  const refusal = (holder: string) => new Error(`held by ${holder}`);
  await expect(takeLock(path, { pollMs: 5, refusal })).rejects.toThrow(`held by ${process.pid}@${hostname()}`);
  await lock.release();
  await (await takeLock(path, { refusal })).release();
});

test("a holder that slept too long learns it, and leaves the lock of its successor alone", async () => {
  const path = join(root, "slept");
  const lock = await takeLock(path);
  await lock.check();
  await writeFile(path, "1@another-machine"); // what a waiter does that judged it stale
  await expect(lock.check()).rejects.toThrow(LockLostError);
  await lock.release();
  expect(await readFile(path, "utf8")).toBe("1@another-machine");
});
