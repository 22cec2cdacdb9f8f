// Running ahead: order, bounds, failures and abort.
import { expect, test } from "vitest";
import { runAhead } from "./ahead.ts";

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test("results come in the order of the items, with at most `ahead` started beyond the one waited for", async () => {
  let running = 0;
  let most = 0;
  const start = async (n: number) => {
    most = Math.max(most, ++running);
    await pause(n % 3);
    running--;
    return 10 * n;
  };
  const results: number[] = [];
  for await (const result of runAhead([5, 4, 3, 2, 1, 0], 2, start)) results.push(result);
  expect(results).toEqual([50, 40, 30, 20, 10, 0]);
  expect(most).toBe(3);
});

test("a failure reaches the reader in its turn, after what was started has settled", async () => {
  const settled: number[] = [];
  const start = async (n: number) => {
    if (n === 1) throw new Error("no");
    await pause(5);
    settled.push(n);
    return n;
  };
  const results: number[] = [];
  await expect(
    (async () => {
      for await (const result of runAhead([0, 1, 2, 3, 4], 2, start)) results.push(result);
    })(),
  ).rejects.toThrow("no");
  expect([results, settled]).toEqual([[0], [0, 2, 3]]);
});

test("an abort starts nothing more and delivers what was started", async () => {
  const controller = new AbortController();
  const results: number[] = [];
  for await (const n of runAhead([0, 1, 2, 3, 4], 1, async (n) => n, controller)) {
    results.push(n);
    if (n === 1) controller.abort();
  }
  expect(results).toEqual([0, 1, 2]);
});
