// Listing: the commit that a revision points to, and its files.
import { z } from "zod";
import { HubError } from "../base/errors.ts";
import { parseJson } from "../base/json.ts";
import { answerText, type Connection, request, withRetries } from "./http.node.ts";
import { licenceFromCard } from "./licence.ts";
import { refusalError } from "./refusals.ts";
import type { Licence } from "./registry.ts";

export interface Listing {
  readonly commit: string;
  /** Relative names with "/". They come from a server and have not been checked to stay inside a folder. */
  readonly files: readonly string[];
  /** From the model card, if it states one. */
  readonly licence: Licence | undefined;
}

/** Listings of repositories with ten thousand files have a few megabytes. */
const maxBytes = 2 ** 24;
const maxFiles = 100_000;

const answer = z.object({
  sha: z.string().regex(/^[0-9a-f]{40}$/),
  siblings: z.array(z.object({ rfilename: z.string().max(4096) })).max(maxFiles),
  cardData: z.unknown().optional(),
});

/** Requests the files of a model at a revision from the hub.
 *  @throws NotFoundError, HubError (see `refusalError`), UnreachableError. */
export async function fetchListing(connection: Connection, name: string, revision: string): Promise<Listing> {
  const url = `${connection.endpoint}/api/models/${name}/revision/${encodeURIComponent(revision)}`;
  return withRetries(connection, `The listing of ${name}`, () =>
    request(connection, { method: "GET", url }, async (response, alive) => {
      if (!response.ok) {
        const refusal = {
          status: response.status,
          code: response.headers.get("x-error-code"),
          message: response.headers.get("x-error-message"),
        };
        throw refusalError(refusal, { name, revision }, connection.endpoint, connection.token !== undefined);
      }
      const checked = answer.safeParse(parsed(await answerText(response, alive, maxBytes), url));
      if (!checked.success) {
        throw new HubError(
          `${url} answered with something other than a model's listing: ${connection.endpoint} is no hub, or a log-in page stands before it. Check HF_ENDPOINT.`,
        );
      }
      const { sha, siblings, cardData } = checked.data;
      return { commit: sha, files: siblings.map(({ rfilename }) => rfilename), licence: licenceFromCard(cardData) };
    }),
  );
}

function parsed(text: string, url: string): unknown {
  try {
    return parseJson(text, url);
  } catch {
    return undefined;
  }
}
