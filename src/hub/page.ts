// Model pages: the address of a model's page on the hub, as a browser shows it, understood as the model's name and revision.
import { NotFoundError } from "../base/errors.ts";
import { printable } from "../base/shown.ts";

export interface ModelPage {
  readonly name: string;
  readonly revision?: string;
}

/** Whether a text is a web address. */
export function isAddress(text: string): boolean {
  return /^https?:\/\//i.test(text);
}

/** Model and revision of a page: `https://huggingface.co/ORG/NAME`, also followed by `/tree/REVISION`, `/blob/…` or `/resolve/…`. `endpoint`:
 *  the hub in use, whose pages are understood as well.
 *  @throws NotFoundError for any other address; it quotes host and path alone, since the rest may hold a secret. */
export function modelPage(text: string, endpoint: string): ModelPage {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const hub = new URL(endpoint);
  const hosts = [hub.host, "huggingface.co", "www.huggingface.co", "hf.co"];
  const prefix = url?.host === hub.host ? hub.pathname.replace(/\/$/, "") : "";
  const parts = url?.pathname.startsWith(`${prefix}/`)
    ? url.pathname
        .slice(prefix.length + 1)
        .split("/")
        .filter(Boolean)
    : [];
  const [org, name, view, revision] = parts.map(decoded);
  const isModel = org !== undefined && name !== undefined && !["datasets", "spaces", "models", "docs", "api", "collections"].includes(org);
  const isPage = parts.length === 2 || (["tree", "blob", "resolve"].includes(view ?? "") && revision !== undefined);
  if (url === undefined || !hosts.includes(url.host) || !isModel || !isPage) {
    const place = url ? printable(`${url.host}${url.pathname}`, 200) : printable(text.replace(/^(https?:\/\/)[^/]*@/i, "$1"), 200);
    throw new NotFoundError(
      `${place} is not the page of a model. Give a page such as https://huggingface.co/m-a-p/MERT-v1-95M, a name (org/name) or a folder.`,
    );
  }
  return { name: `${org}/${name}`, ...(revision !== undefined && { revision }) };
}

/** A branch with a slash in its name stands in the address as one part, encoded. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
