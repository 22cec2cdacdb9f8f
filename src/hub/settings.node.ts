// Settings: where the hub and its cache are, in the environment variables of Python's huggingface_hub.
import { homedir } from "node:os";
import { join } from "node:path";
import { ConfigError } from "../base/errors.ts";
import { readText } from "../base/files.node.ts";
import { printable, shown } from "../base/shown.ts";

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

/** The effective settings: options first, then the environment, then huggingface_hub's defaults (huggingface_hub/constants.py).
 *  @throws ConfigError when the endpoint is not an http address or holds a password, or the token holds characters that no token has.
 *  Values that may be secret are never quoted. */
export async function hubSettings(options: HubOptions = {}, env: NodeJS.ProcessEnv = process.env): Promise<HubSettings> {
  const home = expand(env.HF_HOME) ?? join(expand(env.XDG_CACHE_HOME) ?? join(homedir(), ".cache"), "huggingface");
  const token =
    options.token ?? (env.HF_TOKEN || env.HUGGING_FACE_HUB_TOKEN || (await tokenFile(expand(env.HF_TOKEN_PATH) ?? join(home, "token"))));
  return {
    cacheDir: options.cacheDir ?? expand(env.HF_HUB_CACHE) ?? expand(env.HUGGINGFACE_HUB_CACHE) ?? join(home, "hub"),
    endpoint: checkedEndpoint(options.endpoint ?? (env.HF_ENDPOINT || "https://huggingface.co")),
    ...(token?.trim() && { token: checkedToken(token.trim()) }),
    offline: options.localFilesOnly ?? isTrue(env.HF_HUB_OFFLINE || env.TRANSFORMERS_OFFLINE),
  };
}

function checkedEndpoint(text: string): string {
  const endpoint = text.trim().replace(/\/+$/, "");
  const url = /^https?:\/\/[^/]/.test(endpoint) && URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url?.username || url?.password) {
    throw new ConfigError(
      `HF_ENDPOINT holds a user name or password (for ${printable(url.host)}; it is not shown here). Give the address without it, and a token in HF_TOKEN.`,
    );
  }
  if (url === undefined || url.search !== "" || url.hash !== "") {
    // The part before an "@" may be a password, so it is never shown.
    const shownEndpoint = /[@?#]/.test(endpoint) ? "not an address (it is not shown here, since it may hold a secret)" : shown(endpoint);
    throw new ConfigError(`HF_ENDPOINT is ${shownEndpoint}: it must be an address like https://huggingface.co.`);
  }
  return endpoint;
}

/** A token as a header can carry it. One with a line break, say, comes from a file that holds more than the token. */
function checkedToken(token: string): string {
  if (/^[\x21-\x7e]{1,4096}$/.test(token)) return token;
  const why = token.length > 4096 ? `has ${token.length} characters` : "holds a space, a line break or another character that no token has";
  throw new ConfigError(`The access token ${why} (it is not shown here). Check HF_TOKEN, or the file that HF_TOKEN_PATH names.`);
}

/** A path of the environment with its leading "~" resolved; undefined when unset or empty. */
function expand(path: string | undefined): string | undefined {
  return path ? path.replace(/^~(?=$|[\\/])/, homedir()) : undefined;
}

function isTrue(value: string | undefined): boolean {
  return ["1", "ON", "YES", "TRUE"].includes((value ?? "").toUpperCase());
}

async function tokenFile(path: string): Promise<string | undefined> {
  // Without a readable token file there is no token: most models need none.
  return readText(path, 2 ** 16).catch(() => undefined);
}
