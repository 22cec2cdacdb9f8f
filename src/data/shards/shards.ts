// Shards: tar files of recordings and their labels, for storage on which small files are slow.
//
// A clip is three members that follow one another: 00000017.json says what it is, 00000017.flac is its sound as it came, 00000017.npy its
// codes [codebooks, frames]. So any tool that reads tar files of samples reads these. Beside train-00003.tar lies train-00003.json, which says
// where each clip stands, and train.shards.json names all.
import { z } from "zod";
import type { ByteSource } from "../../base/byte-source.ts";
import { FormatError, messageOf } from "../../base/errors.ts";
import { readTar } from "../../formats/tar.ts";
import { stampSchema } from "../labels/label-set.ts";

const count = z.number().int().nonnegative();
const range = z.object({ offset: count, bytes: count });

const cardSchema = z.object({
  split: z.string(),
  sampleRateHz: z.number().int().positive(),
  /** What made the labels; null where there are none. */
  labels: stampSchema.nullable(),
  shards: z.array(z.object({ name: z.string(), bytes: count, clips: z.number().int().positive(), seconds: z.number() })).min(1),
});

/** All shards of a split. */
export type ShardCard = z.infer<typeof cardSchema>;

const clipSchema = z.object({ clip: count, path: z.string(), samples: z.number().int().positive() });

const indexSchema = z.object({
  bytes: count,
  clips: z.array(clipSchema.extend({ audio: range, labels: range.optional() })),
});

/** Where the clips of one shard stand. `clip` is the index in the manifest, `samples` count at the set's rate. */
export type ShardIndex = z.infer<typeof indexSchema>;
export type ShardClip = ShardIndex["clips"][number];

/** @throws FormatError when the text is no such file. */
export function parseCard(text: string, name: string): ShardCard {
  return parsed(cardSchema, text, name);
}

/** @throws FormatError when the text is no such file. */
export function parseIndex(text: string, name: string): ShardIndex {
  return parsed(indexSchema, text, name);
}

/** The index of a shard, read from the shard itself.
 *  @throws FormatError when it is no whole tar file, or its members are none of these. */
export async function indexShard(source: ByteSource): Promise<ShardIndex> {
  const clips: ShardClip[] = [];
  const members = new Map<string, { audio?: z.infer<typeof range>; labels?: z.infer<typeof range>; told?: z.infer<typeof clipSchema> }>();
  for await (const { name, dataOffset, bytes } of readTar(source)) {
    const dot = name.indexOf(".");
    const [key, kind] = [name.slice(0, dot), name.slice(dot + 1)];
    const at = { offset: dataOffset, bytes };
    const member = members.get(key) ?? {};
    members.set(key, member);
    if (kind === "json") member.told = parsed(clipSchema, new TextDecoder().decode(await source.read(dataOffset, bytes)), name);
    else if (kind === "npy") member.labels = at;
    else member.audio = at;
  }
  for (const [key, { audio, labels, told }] of members) {
    if (audio === undefined || told === undefined) {
      throw new FormatError(`${source.name} holds no ${audio ? `${key}.json` : `sound of ${key}`}: it is no shard of this library's.`);
    }
    clips.push({ ...told, audio, ...(labels && { labels }) });
  }
  return { bytes: source.size, clips };
}

function parsed<T>(schema: z.ZodType<T>, text: string, name: string): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw new FormatError(`${name} does not say what it should: ${messageOf(error)}. Write the shards anew.`, { cause: error });
  }
}
