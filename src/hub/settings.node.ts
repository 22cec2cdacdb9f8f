// Settings: where the hub and its cache are, in the environment variables of Python's huggingface_hub.
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { ConfigError } from "../base/errors.ts";

export interface HubOptions {
  /** The cache folder; default HF_HUB_CACHE, else $HF_HOME/hub, else ~/.cache/huggingface/hub. */
  cacheDir?: string | undefined;
  /** The hub or a mirror of it; default HF_ENDPOINT, else https://huggingface.co. */
  endpoint?: string | undefined;
  /** An access token, or "" for none; default HF_TOKEN, else the file HF_TOKEN_PATH, else $HF_HOME/token. */
  token?: string | undefined;
  /** Never use the network; default HF_HUB_OFFLINE, else TRANSFORMERS_OFFLINE. */
  localFilesOnly?: boolean | undefined;
}

export interface HubSettings {
  readonly cacheDir: string;
  readonly endpoint: string;
  readonly token?: string;
  readonly offline: boolean;
}

/** The settings in force: options first, then the environment, then huggingface_hub's defaults
 *  (huggingface_hub/constants.py).
 *  @throws ConfigError when the endpoint is no http address. */
export async function hubSettings(options: HubOptions = {}, env: NodeJS.ProcessEnv = process.env): Promise<HubSettings> {
  const home = expand(env.HF_HOME) ?? join(expand(env.XDG_CACHE_HOME) ?? join(homedir(), ".cache"), "huggingface");
  const token =
    options.token ?? (env.HF_TOKEN || env.HUGGING_FACE_HUB_TOKEN || (await tokenFile(expand(env.HF_TOKEN_PATH) ?? join(home, "token"))));
  const endpoint = (options.endpoint ?? (env.HF_ENDPOINT || "https://huggingface.co")).replace(/\/+$/, "");
  if (!/^https?:\/\/[^/]/.test(endpoint) || !URL.canParse(endpoint)) {
    throw new ConfigError(`HF_ENDPOINT is "${endpoint}": it must be an address like https://huggingface.co.`);
  }
  return {
    cacheDir: options.cacheDir ?? expand(env.HF_HUB_CACHE) ?? expand(env.HUGGINGFACE_HUB_CACHE) ?? join(home, "hub"),
    endpoint,
    ...(token?.trim() && { token: token.trim() }),
    offline: options.localFilesOnly ?? isTrue(env.HF_HUB_OFFLINE || env.TRANSFORMERS_OFFLINE),
  };
}

/** A path of the environment with its leading "~" resolved; undefined when unset or empty. */
function expand(path: string | undefined): string | undefined {
  return path ? path.replace(/^~(?=$|[\\/])/, homedir()) : undefined;
}

function isTrue(value: string | undefined): boolean {
  return ["1", "ON", "YES", "TRUE"].includes((value ?? "").toUpperCase());
}

async function tokenFile(path: string): Promise<string | undefined> {
  // No readable token file means no token: most models need none.
  return readFile(path, "utf8").catch(() => undefined);
}
