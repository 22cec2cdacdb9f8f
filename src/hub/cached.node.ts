// Cached: which models lie in the cache, for `ostinato models`.
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { absent, readRef, snapshotFiles, snapshotFolder } from "./cache.node.ts";
import { type HubOptions, hubSettings } from "./settings.node.ts";

/** A commit of a model in the cache. */
export interface CachedModel {
  readonly name: string;
  readonly commit: string;
  /** Branches and tags that point to this commit, as last looked up. */
  readonly revisions: readonly string[];
  /** Bytes of the commit's files; commits of one model may share them. */
  readonly bytes: number;
  readonly folder: string;
}

/** Every commit of every model in the cache that holds at least one file, whichever program downloaded it, by name. */
export async function listCached(options: Pick<HubOptions, "cacheDir"> = {}): Promise<CachedModel[]> {
  const { cacheDir } = await hubSettings(options);
  const models: CachedModel[] = [];
  for (const entry of (await names(cacheDir)).filter((name) => name.startsWith("models--"))) {
    const repo = join(cacheDir, entry);
    const refs = await readRefs(repo);
    for (const commit of await names(join(repo, "snapshots"))) {
      const folder = snapshotFolder(repo, commit);
      const files = await snapshotFiles(repo, commit);
      const sizes = await Promise.all(files.map(async (file) => (await stat(join(folder, file))).size));
      if (files.length === 0) continue;
      models.push({
        name: entry.slice("models--".length).replace("--", "/"),
        commit,
        revisions: refs.filter((ref) => ref.commit === commit).map((ref) => ref.revision),
        bytes: sizes.reduce((sum, size) => sum + size, 0),
        folder,
      });
    }
  }
  return models;
}

async function readRefs(repo: string): Promise<{ revision: string; commit: string | undefined }[]> {
  const entries = (await readdir(join(repo, "refs"), { recursive: true }).catch(absent)) ?? [];
  const revisions = entries.map((entry) => entry.replaceAll("\\", "/"));
  // Folders of refs such as refs/pr/1 are listed as well: they contain no commit.
  return Promise.all(revisions.map(async (revision) => ({ revision, commit: await readRef(repo, revision).catch(() => undefined) })));
}

async function names(folder: string): Promise<string[]> {
  return ((await readdir(folder).catch(absent)) ?? []).sort();
}
