import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { ostinato } from "../../test/cli/run.ts";

const root = await mkdtemp(join(tmpdir(), "ostinato-cli-synth-"));
afterAll(() => rm(root, { recursive: true, force: true }));
const command = ["synth", "--out", join(root, "music"), "--hours", "0.009", "--sample-rate", "8000", "--json"];

test("synth writes the clips of whole songs, prints each as JSON, skips them the next time, and refuses another seed", async () => {
  const first = await ostinato([...command, "--seed", "4"]);
  const [line, ...others] = first.stdout.trimEnd().split("\n");
  expect(first.stderr).toContain(`${1 + others.length} clips written`);
  const label = JSON.parse(line!) as { file: string; status: string; key: string };
  expect(label).toMatchObject({ id: "000000", song: "000000", status: "done", style: "blues" });
  expect((await readFile(label.file)).subarray(0, 4).toString()).toBe("RIFF");
  const second = await ostinato([...command, "--seed", "4"]);
  expect(JSON.parse(second.stdout.split("\n")[0]!)).toEqual({ ...label, status: "skipped" });
  const third = await ostinato([...command, "--seed", "5"]);
  expect(third.code).toBe(2);
  expect(third.stderr).toContain("holds another corpus: seed 4 (asked for: 5)");
});

test("wrong hours and seeds are refused with what is allowed", async () => {
  const { code, stderr } = await ostinato(["synth", "--out", join(root, "none"), "--hours", "-1", "--seed", "x"]);
  expect(code).toBe(2);
  expect(stderr).toContain("Allowed are");
});
