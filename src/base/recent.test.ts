import { expect, test } from "vitest";
import { recent } from "./recent.ts";

test("keeps what was used last, drops what was not, and forgets what could not be made", async () => {
  const made: string[] = [];
  const dropped: string[] = [];
  const get = recent(
    2,
    async (key) => {
      made.push(key);
      if (key === "bad") throw new Error("no");
      return `<${key}>`;
    },
    (thing) => dropped.push(thing),
  );
  expect(await Promise.all([get("a"), get("b"), get("a")])).toEqual(["<a>", "<b>", "<a>"]);
  expect(await get("c")).toBe("<c>");
  await new Promise((resolve) => setImmediate(resolve));
  expect([made, dropped]).toEqual([["a", "b", "c"], ["<b>"]]);
  await expect(get("bad")).rejects.toThrow("no");
  await expect(get("bad")).rejects.toThrow("no");
  expect(made).toEqual(["a", "b", "c", "bad", "bad"]);
});
