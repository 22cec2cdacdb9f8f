// The API reference matches the docstrings: it is regenerated and compared, and every export is described in it.
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const doors = { "src/index.ts": "docs/api/ostinato.md", "src/browser.ts": "docs/api/ostinato-browser.md" } as const;

/** Names of `export { a, type B, c as d } from …`, and those behind `export * from …`. */
async function exportedNames(door: string): Promise<string[]> {
  const source = await readFile(join(root, door), "utf8");
  const shared = [...source.matchAll(/^export \* from "(.*)";/gm)].map((match) => exportedNames(join(dirname(door), match[1]!)));
  const lists = [...source.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].map((match) => match[1]!);
  const names = lists.flatMap((list) => list.split(",").map((name) => name.trim())).filter(Boolean);
  const own = names.map(
    (name) =>
      name
        .replace(/^type /, "")
        .split(" as ")
        .at(-1)!,
  );
  return [...(await Promise.all(shared)).flat(), ...own];
}

/** The description of each name in the reference, without signature and tables. */
function descriptions(reference: string): Map<string, string> {
  const sections = reference.split(/^### /m).slice(1);
  return new Map(
    sections.map((section) => {
      const [title = "", ...lines] = section.split("\n");
      const end = lines.findIndex((line) => /^(#|\*\*\*)/.test(line));
      const words = lines.slice(0, end < 0 ? lines.length : end).filter((line) => line !== "" && !/^[>|]/.test(line));
      return [title.replace(/\(\)$/, ""), words.join(" ")] as const;
    }),
  );
}

test("the reference is up to date with the docstrings; otherwise run npm run docs:api", { timeout: 120_000 }, async () => {
  const made = await mkdtemp(join(tmpdir(), "ostinato-api-"));
  await promisify(execFile)(process.execPath, ["--import", "tsx", "scripts/api-reference.ts", "--out", made], { cwd: root });
  const texts = async (folder: string) =>
    Object.fromEntries(
      await Promise.all((await readdir(folder)).map(async (name) => [name, await readFile(join(folder, name), "utf8")] as const)),
    );
  const [now, kept] = await Promise.all([texts(made), texts(join(root, "docs/api"))]);
  await rm(made, { recursive: true });
  expect(kept).toEqual(now);
});

describe.each(Object.entries(doors))("%s", (door, path) => {
  test(`every export is described in ${path}; otherwise write a docstring and run npm run docs:api`, async () => {
    const names = await exportedNames(door);
    const said = descriptions(await readFile(root + path, "utf8"));
    expect(names.length).toBeGreaterThan(20);
    expect({ undescribed: names.filter((name) => !said.get(name)) }).toEqual({ undescribed: [] });
    expect({ gone: [...said.keys()].filter((name) => !names.includes(name)) }).toEqual({ gone: [] });
  });

  test(`${path} has no paths, addresses or dates of the machine that wrote it`, async () => {
    expect(await readFile(root + path, "utf8")).not.toMatch(/file:\/\/|\/home\/|\/Users\/|node_modules|blob\/|\b20\d\d-\d\d-\d\d\b/);
  });
});
