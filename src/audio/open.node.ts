// Opening in Node: audio files of any format, by FFmpeg where this library does not decode it itself.
import { randomUUID } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ByteSource } from "../base/byte-source.ts";
import type { AudioReader } from "./audio-reader.ts";
import { openAudio } from "./decode.ts";
import { openFfmpeg } from "./ffmpeg.node.ts";

/** Opens a recording while `work` runs. FFmpeg reads files, since some formats can't be decoded from a pipe; a source that is not a whole file
 *  is written to a temporary one meanwhile.
 *  @throws as `openAudio` does, and what `work` throws. */
export async function withAudio<R>(source: ByteSource, path: string | undefined, work: (reader: AudioReader) => Promise<R>): Promise<R> {
  let temporary: string | undefined;
  try {
    const reader = await openAudio(source, {
      fallback: async (format, refusal) => {
        if (path !== undefined) return openFfmpeg(path, format, { refusal });
        temporary = join(tmpdir(), `ostinato-${randomUUID()}`);
        await writeFile(temporary, await source.read(0, source.size));
        return openFfmpeg(temporary, format, { refusal, name: source.name });
      },
    });
    return await work(reader);
  } finally {
    if (temporary !== undefined) await rm(temporary, { force: true });
  }
}
