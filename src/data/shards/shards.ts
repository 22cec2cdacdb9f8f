// Shards: tar files of recordings and their labels, for storage on which small files are slow.
//
// A clip is three consecutive members: 00000017.json describes it, 00000017.flac is the unchanged recording, 00000017.npy holds the codes
// [codebooks, frames]. Tools that read WebDataset tar files can read these. train-00003.json beside train-00003.tar holds the offset of each
// clip, and train.shards.json lists all shards.
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
  /** The stamp of the labels; null without labels. */
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

/** The offsets of a shard's clips. `clip` is the index in the manifest, `samples` the length at the set's rate. */
export type ShardIndex = z.infer<typeof indexSchema>;
export type ShardClip = ShardIndex["clips"][number];

/** Parses `<split>.shards.json`. @throws FormatError when the text is no such file. */
export function parseCard(text: string, name: string): ShardCard {
  return parsed(cardSchema, text, name);
}

/** Parses the index file of a shard. @throws FormatError when the text is no such file. */
export function parseIndex(text: string, name: string): ShardIndex {
  return parsed(indexSchema, text, name);
}

/** Builds the index of a shard from its tar headers.
 *  @throws FormatError when the tar file is cut short or its members are not those of a shard. */
export async function indexShard(source: ByteSource): Promise<ShardIndex> {
  const clips: ShardClip[] = [];
  const members = new Map<string, { audio?: z.infer<typeof range>; labels?: z.infer<typeof range>; facts?: z.infer<typeof clipSchema> }>();
  for await (const { name, dataOffset, bytes } of readTar(source)) {
    const dot = name.indexOf(".");
    const [key, kind] = [name.slice(0, dot), name.slice(dot + 1)];
    const at = { offset: dataOffset, bytes };
    const member = members.get(key) ?? {};
    members.set(key, member);
    if (kind === "json") member.facts = parsed(clipSchema, new TextDecoder().decode(await source.read(dataOffset, bytes)), name);
    else if (kind === "npy") member.labels = at;
    else member.audio = at;
  }
  for (const [key, { audio, labels, facts }] of members) {
    if (audio === undefined || facts === undefined) {
      throw new FormatError(
        `${source.name} holds no ${audio ? `${key}.json` : `recording ${key}`}: it is no shard of this library. Write the shards again.`,
      );
    }
    clips.push({ ...facts, audio, ...(labels && { labels }) });
  }
  return { bytes: source.size, clips };
}

function parsed<T>(schema: z.ZodType<T>, text: string, name: string): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw new FormatError(`${name} is not a description of shards: ${messageOf(error)}. Write the shards again.`, { cause: error });
  }
}
