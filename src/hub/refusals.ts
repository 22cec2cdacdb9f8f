// Refusals: the meaning of a hub's error answers, and what the user can do.
import { HubError, NotFoundError } from "../base/errors.ts";
import { printable } from "../base/shown.ts";

/** The request to the hub: a model's listing, or one of its files. */
export interface Subject {
  readonly name: string;
  readonly revision: string;
  readonly file?: string;
}

export interface Refusal {
  readonly status: number;
  /** X-Error-Code: RepoNotFound, RevisionNotFound, EntryNotFound, GatedRepo. */
  readonly code?: string | null;
  /** The hub's X-Error-Message. */
  readonly message?: string | null;
}

/** No complete answer after all attempts; a cached copy may be used instead. */
export class UnreachableError extends HubError {
  override readonly code: string = "OSTINATO_UNREACHABLE";
  /** The model's files, if the hub has listed them. */
  files?: readonly string[];
}

/** Instructions for a manual download: one line per file with its address and its destination.
 *  `folder` is the destination of the model, which can then be given instead of the name. */
export function byHand(endpoint: string, { name, revision }: Subject, folder: string, files?: readonly string[]): string {
  const page = `${endpoint}/${name}${revision === "main" ? "" : `/tree/${revision}`}`;
  const wanted = files ?? ["config.json", "preprocessor_config.json (where it has one)", "model.safetensors (else pytorch_model.bin)"];
  const lines = wanted.map((file) => `  put ${file} from ${page} into ${folder}`);
  return ["To load it without this download:", ...lines, `and give ${folder} as the model.`].join("\n");
}

/** The error for a final answer, one that is not retried: NotFoundError for 404, HubError for the rest. */
export function refusalError(refusal: Refusal, subject: Subject, endpoint: string, hasToken: boolean): Error {
  const { status, code } = refusal;
  const { name, revision, file } = subject;
  const said = refusal.message ? ` (${printable(refusal.message, 300)})` : "";
  const page = `${endpoint}/${name}`;
  const token = hasToken
    ? `A token was sent, but it does not open this model: check that its account has access and that it may read.`
    : `Make a read token at ${endpoint}/settings/tokens and set it as HF_TOKEN.`;
  if (code === "GatedRepo" || (status === 403 && code !== "RepoNotFound")) {
    return new HubError(`${name} is gated: the hub answered ${status}${said}. Accept its terms at ${page}. ${token}`);
  }
  // Without a token the hub answers 401 both for private models and for models that do not exist.
  if (status === 401) {
    return new HubError(
      `${name} can't be read: the hub answered 401${said}. Either there is no such model (check the name at ${page}), or it is private or gated. ${token}`,
    );
  }
  if (status === 404) {
    if (code === "RevisionNotFound") {
      return new NotFoundError(
        `${name} has no revision "${revision}"${said}: its branches, tags and commits are listed at ${page}/commits/main.`,
      );
    }
    if (code === "EntryNotFound" || (file !== undefined && code !== "RepoNotFound")) {
      return new NotFoundError(
        `${name} has no file ${file} at revision "${revision}"${said}: its files are listed at ${page}/tree/${revision}.`,
      );
    }
    const also = code === "RepoNotFound" ? "" : ` with a revision "${revision}"`;
    return new NotFoundError(`There is no model ${name}${also} at ${endpoint}${said}: check the spelling; if it is private, set HF_TOKEN.`);
  }
  return new HubError(`The hub answered ${status} for ${file ?? "the listing"} of ${name}${said}. See ${page}, or try later.`);
}
