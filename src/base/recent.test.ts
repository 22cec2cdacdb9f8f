// The cache of values used last.
import { expect, test } from "vitest";
import { recent } from "./recent.ts";

function watched(kept: number) {
  const made: string[] = [];
  const disposed: string[] = [];
  const cache = recent<string>({ kept, dispose: (value) => disposed.push(value) });
  const use = <R>(key: string, work: (value: string) => R | Promise<R>) =>
    cache.use(
      key,
      async () => {
        made.push(key);
        if (key === "bad") throw new Error("no");
        return `<${key}>`;
      },
      work,
    );
  return { cache, use, made, disposed };
}

test("values used last are kept, the others disposed of, and what could not be made is forgotten", async () => {
  const { use, made, disposed } = watched(2);
  for (const key of ["a", "b", "a", "c", "a"]) expect(await use(key, (value) => value)).toBe(`<${key}>`);
  expect([made, disposed]).toEqual([["a", "b", "c"], ["<b>"]]);
  await expect(use("bad", () => 1)).rejects.toThrow("no");
  await expect(use("bad", () => 1)).rejects.toThrow("no");
  expect(made).toEqual(["a", "b", "c", "bad", "bad"]);
});

test("a value is not disposed of while it is in use, and calls for one key share it", async () => {
  const { use, made, disposed } = watched(1);
  let free = () => {};
  const held = use("a", async (value) => {
    await new Promise<void>((resolve) => {
      free = resolve;
    });
    return { value, disposed: [...disposed] };
  });
  await Promise.all([use("b", () => 1), use("c", () => 1), use("a", () => 1)]);
  expect(made).toEqual(["a", "b", "c"]);
  free();
  const { value, disposed: meanwhile } = await held;
  expect(value).toBe("<a>");
  expect(meanwhile).not.toContain("<a>");
  await use("d", () => 1);
  expect(disposed).toContain("<a>");
  expect(new Set(disposed).size).toBe(disposed.length); // each once
});

test("clearing disposes of every value, of one in use when its work ends", async () => {
  const { cache, use, disposed } = watched(5);
  await use("idle", () => 1);
  let during: string[] = [];
  await use("busy", async () => {
    await cache.clear();
    during = [...disposed];
  });
  expect(during).toEqual(["<idle>"]);
  expect(disposed).toEqual(["<idle>", "<busy>"]);
});

test("work that fails releases its value", async () => {
  const { cache, use, disposed } = watched(1);
  await expect(use("a", () => Promise.reject(new Error("work")))).rejects.toThrow("work");
  await cache.clear();
  expect(disposed).toEqual(["<a>"]);
});
