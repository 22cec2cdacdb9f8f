// Collectives between real processes: what each word does, and what happens when one of them is killed or silent.
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { torchMissing } from "../../../test/fixtures/torch.ts";

const worker = fileURLToPath(new URL("../../../test/fixtures/collectives-worker.mjs", import.meta.url));
const dist = new URL("../../../dist/", import.meta.url).href;

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly seconds: number;
  // biome-ignore lint/suspicious/noExplicitAny: each job answers in its own shape
  readonly answer: any;
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** Starts `size` processes as torchrun would, and waits for all. */
async function processes(job: string, size: number, env: Record<string, string> = {}): Promise<Ended[]> {
  const port = await freePort();
  return Promise.all(
    Array.from({ length: size }, (_, rank) => {
      const start = performance.now();
      const place = {
        RANK: String(rank),
        WORLD_SIZE: String(size),
        LOCAL_RANK: String(rank),
        MASTER_ADDR: "127.0.0.1",
        MASTER_PORT: String(port),
      };
      const child = spawn(process.execPath, [worker, job, dist], {
        env: { ...process.env, GLOO_SOCKET_IFNAME: "lo", ...place, ...env },
        stdio: ["ignore", "pipe", "inherit"],
      });
      let text = "";
      child.stdout.on("data", (chunk) => {
        text += chunk;
      });
      return new Promise<Ended>((resolve) =>
        child.on("close", (code, signal) =>
          resolve({ code, signal, seconds: (performance.now() - start) / 1000, answer: text ? JSON.parse(text) : undefined }),
        ),
      );
    }),
  );
}

describe("collectives", { skip: torchMissing !== undefined, timeout: 120_000 }, () => {
  test.each([2, 4])("%i processes broadcast, reduce, gather, scatter and meet", async (size) => {
    const total = (of: (rank: number) => number) => Array.from({ length: size }, (_, rank) => of(rank)).reduce((a, b) => a + b, 0);
    (await processes("words", size)).forEach(({ code, answer }, rank) => {
      expect(code, JSON.stringify(answer)).toBe(0);
      expect(answer).toEqual({
        root: [size - 1, size + 9],
        a: [total((r) => r + 1)],
        b: [total((r) => r), 2 * size],
        top: [size - 1],
        parts: Array.from({ length: size }, (_, r) => [r, r === 0 ? 0 : -r]),
        mine: [total((r) => r + 100 * rank)],
      });
    });
  });

  test.each([2, 4])(
    "of %i processes one is killed in the middle: the others end with an error that names them, within the time-out",
    async (size) => {
      const ended = await processes("kill", size, { TIMEOUT: "30" });
      expect(ended.at(-1)!.signal).toBe("SIGKILL");
      for (const [rank, { code, seconds, answer }] of ended.slice(0, -1).entries()) {
        expect(code).toBe(3);
        expect(answer.name).toBe("CollectiveError");
        expect(answer.message).toContain(`allReduce on rank ${rank} of ${size} failed`);
        expect(seconds).toBeLessThan(45);
      }
    },
  );

  test("a process that waits for one that never comes gives up at the time-out", async () => {
    const [waiting] = await processes("silent", 2, { TIMEOUT: "3" });
    expect(waiting!.code).toBe(3);
    expect(waiting!.answer.message).toContain("allReduce on rank 0 of 2 failed after 3");
  });

  test("a thread that ends while an operation is in progress leaves the process intact", async () => {
    // The allocator overwrites what is freed, so that reading it does not go unnoticed.
    const ended = await processes("teardown", 2, { TIMEOUT: "2", MALLOC_PERTURB_: "165" });
    for (const { code, signal, answer } of ended)
      expect({ code, signal, answer }).toEqual({ code: 0, signal: null, answer: { alive: true } });
  });

  test("a collective after leaving the group is an error", async () => {
    for (const { code, answer } of await processes("left", 2)) {
      expect(code).toBe(3);
      expect(answer.message).toContain("this process has left the group");
    }
  });

  test("a group whose other members never start is not waited for beyond the time-out", async () => {
    const [alone] = await processes("words", 1, { WORLD_SIZE: "2", TIMEOUT: "2" });
    expect(alone!.code).toBe(3);
    expect(alone!.answer.message).toContain("as rank 0 of 2 failed");
  });
});
