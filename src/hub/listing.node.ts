// Listing: which commit a revision stands for, and which files it has.
import { z } from "zod";
import { HubError } from "../base/errors.ts";
import { type Connection, request, withRetries } from "./http.node.ts";
import { licenceFromCard } from "./licence.ts";
import { refusalError } from "./refusals.ts";
import type { Licence } from "./registry.ts";

export interface Listing {
  readonly commit: string;
  /** Relative names with "/". They come from a server: none has been checked to stay inside a folder. */
  readonly files: readonly string[];
  /** From the model card, where it says so. */
  readonly licence: Licence | undefined;
}

const answer = z.object({
  sha: z.string().regex(/^[0-9a-f]{40}$/),
  siblings: z.array(z.object({ rfilename: z.string() })),
  cardData: z.unknown().optional(),
});

/** Asks the hub what a model holds at a revision.
 *  @throws NotFoundError, HubError (see `refusalError`), UnreachableError. */
export async function fetchListing(connection: Connection, name: string, revision: string): Promise<Listing> {
  const url = `${connection.endpoint}/api/models/${name}/revision/${encodeURIComponent(revision)}`;
  return withRetries(connection, `The listing of ${name}`, () =>
    request(connection, { method: "GET", url }, async (response) => {
      if (!response.ok) {
        const refusal = {
          status: response.status,
          code: response.headers.get("x-error-code"),
          message: response.headers.get("x-error-message"),
        };
        throw refusalError(refusal, { name, revision }, connection.endpoint, connection.token !== undefined);
      }
      const parsed = answer.safeParse(parseJson(await response.text()));
      if (!parsed.success) {
        throw new HubError(
          `${url} answered with something other than a model's listing: ${connection.endpoint} is no hub, or a log-in page stands before it. Check HF_ENDPOINT.`,
        );
      }
      const { sha, siblings, cardData } = parsed.data;
      return { commit: sha, files: siblings.map(({ rfilename }) => rfilename), licence: licenceFromCard(cardData) };
    }),
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
