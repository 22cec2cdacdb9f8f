// What a folder holds, to the byte: for tests that want two runs to leave the same.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** Path within the folder → bytes in base64. */
export async function folderContents(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  return Object.fromEntries(
    await Promise.all(paths.map(async (path) => [path.slice(folder.length), (await readFile(path)).toString("base64")])),
  );
}
