// Resolve: finds the files of a model on this disk, or downloads them from the hub.
import { resolve } from "node:path";
import { ConfigError, HubError, messageOf, NotFoundError } from "../base/errors.ts";
import { diskIsFull } from "../base/files.node.ts";
import { printable, shown } from "../base/shown.ts";
import {
  checkInside,
  isCommit,
  isKnownAbsent,
  markAbsent,
  readRef,
  repoFolder,
  snapshotFiles,
  snapshotFolder,
  writeRef,
} from "./cache.node.ts";
import { chooseFiles } from "./choose.ts";
import { downloadFile, type Progress } from "./download.node.ts";
import { type Connection, defaultNetwork, type NetworkOptions } from "./http.node.ts";
import { fetchListing } from "./listing.node.ts";
import { describe, type LocalModel, localModel, looksLikePath } from "./local.node.ts";
import { isAddress, modelPage } from "./page.ts";
import { byHand, UnreachableError } from "./refusals.ts";
import { canonicalName, lookup, nearNames, registry, shortName } from "./registry.ts";
import { type HubOptions, hubSettings } from "./settings.node.ts";

/** The revision of a model, and callbacks for progress. */
export interface ResolveOptions extends HubOptions {
  /** A branch, tag or commit; default "main". */
  revision?: string | undefined;
  /** Called for every received piece of a file. */
  onProgress?: ((progress: Progress) => void) | undefined;
  /** Called with a sentence when the hub failed and a cached copy is used instead. */
  onNotice?: ((message: string) => void) | undefined;
  signal?: AbortSignal | undefined;
  network?: Partial<NetworkOptions> | undefined;
}

/** The model called `nameOrFolder`: a folder or checkpoint file, a registered short name ("MERT-v1-95M"), or any model of the hub by its
 *  name ("org/name") or the address of its page, taken from the cache or downloaded into it.
 *  @throws NotFoundError when there is no such model, revision or path.
 *  @throws HubError when it is gated, can't be downloaded or is corrupt; the message says what to do. */
export async function resolveModel(nameOrFolder: string, options: ResolveOptions = {}): Promise<LocalModel> {
  const local = isAddress(nameOrFolder) ? undefined : await localModel(nameOrFolder);
  if (local) return local;
  const settings = await hubSettings(options);
  const page = isAddress(nameOrFolder) ? modelPage(nameOrFolder, settings.endpoint) : undefined;
  const name = hubName(page?.name ?? nameOrFolder);
  const revision = checkInside(agreedRevision(page?.revision, options.revision), "The revision");
  const repo = repoFolder(settings.cacheDir, name);
  const guide = (files?: readonly string[]) => byHand(settings.endpoint, { name, revision }, resolve(shortName(name)), files);
  const cached = await cachedModel(name, repo, revision);
  if (settings.offline) {
    if (cached) return cached.model;
    throw new HubError(
      `${name} is not in the cache ${settings.cacheDir}, and the network is switched off (--local-files-only or HF_HUB_OFFLINE).\n${guide()}`,
    );
  }
  // A commit never changes, so the hub need not be asked.
  if (cached?.complete && isCommit(revision)) return cached.model;
  const connection: Connection = {
    endpoint: settings.endpoint,
    ...(settings.token && { token: settings.token }),
    ...(options.signal && { signal: options.signal }),
    network: { ...defaultNetwork, ...options.network },
  };
  try {
    return await fetchModel(connection, repo, name, revision, options.onProgress);
  } catch (error) {
    if (diskIsFull(error)) {
      throw new HubError(
        `The disk of the cache ${settings.cacheDir} is full (${messageOf(error)}). Make room, or point --cache-dir or HF_HUB_CACHE to a larger disk.`,
        { cause: error },
      );
    }
    if (!(error instanceof UnreachableError)) throw error;
    if (!cached) throw new HubError(`${error.message}\n${guide(error.files)}`, { cause: error });
    options.onNotice?.(`${messageOf(error)} The cached copy of ${name} (commit ${cached.model.revision}) serves instead.`);
    return cached.model;
  }
}

/** @throws ConfigError when a page's address and the options name different revisions. */
function agreedRevision(ofPage: string | undefined, asked: string | undefined): string {
  if (ofPage !== undefined && asked !== undefined && ofPage !== asked) {
    throw new ConfigError(`The address names the revision ${shown(ofPage)}, the option ${shown(asked)}. Give one of them.`);
  }
  return asked ?? ofPage ?? "main";
}

/** @throws NotFoundError for what is neither a registered name nor "org/name", with the nearest names. */
function hubName(text: string): string {
  const known = canonicalName(text);
  if (known) return known;
  if (looksLikePath(text))
    throw new NotFoundError(`There is no file or folder ${printable(text, 400)} (looked at ${printable(resolve(text), 400)}).`);
  if (/^[\w.-]{1,96}\/[\w.-]{1,96}$/.test(text) && !/\.\.|--|\/\.|\.$/.test(text)) return text;
  const near = nearNames(text);
  const advice = near.length > 0 ? `Did you mean ${near.join(" or ")}?` : `Known are ${Object.keys(registry).map(shortName).join(", ")}.`;
  throw new NotFoundError(
    `${shown(text)} is no known model and no folder here. ${advice} Other models of the hub are named org/name; a folder is named ./folder.`,
  );
}

/** A model in the cache. `complete` is false if the hub may have files that were never downloaded: a
 *  preprocessor_config.json, or weights in Hugging Face's form beside a fairseq checkpoint. */
async function cachedModel(name: string, repo: string, revision: string): Promise<{ model: LocalModel; complete: boolean } | undefined> {
  const commit = await readRef(repo, revision);
  const names = commit ? await snapshotFiles(repo, commit) : [];
  if (!commit || names.length === 0) return undefined;
  try {
    const files = chooseFiles(names, name);
    const model = await describe(name, snapshotFolder(repo, commit), files, { registeredAs: name, revision: commit });
    const whole = files.preprocessor !== undefined || (await isKnownAbsent(repo, commit, "preprocessor_config.json"));
    return { model, complete: whole && !files.weights[0]?.endsWith(".pt") };
  } catch (error) {
    // A snapshot in which files are missing is not a model yet.
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
}

/** Downloads what the snapshot lacks; if nothing is missing, only the listing is requested. */
async function fetchModel(
  connection: Connection,
  repo: string,
  name: string,
  revision: string,
  onProgress?: (progress: Progress) => void,
): Promise<LocalModel> {
  const listing = await fetchListing(connection, name, revision);
  const { commit } = listing;
  const files = chooseFiles(listing.files, `${name} (revision ${revision})`);
  // The card is downloaded too if only it states the licence, for later runs without a network.
  const card = lookup(name) || !listing.files.includes("README.md") ? [] : ["README.md"];
  // Weights last: a snapshot with weights is complete.
  const wanted = [...card, files.preprocessor, files.config, files.index, ...files.weights].filter((file) => file !== undefined);
  const present = await snapshotFiles(repo, commit);
  for (const file of wanted.filter((file) => !present.includes(file))) {
    await downloadFile(connection, repo, { name, commit, file }, onProgress).catch((error) => {
      if (error instanceof UnreachableError) error.files = wanted;
      throw error;
    });
  }
  if (!files.preprocessor) await markAbsent(repo, commit, "preprocessor_config.json");
  await writeRef(repo, revision, commit);
  return describe(name, snapshotFolder(repo, commit), files, { registeredAs: name, revision: commit, licence: listing.licence });
}
