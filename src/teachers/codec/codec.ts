// EnCodec as a teacher: the codes of its residual quantiser, as MERT predicts them.
import { createHash } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { sha256File } from "../../base/hash.node.ts";
import { resolveModel } from "../../hub/resolve.node.ts";
import type { Encodec } from "../../inference/encodec.ts";
import { loadEncodec } from "../../inference/load-encodec.node.ts";
import type { Engine } from "../../ops/program.ts";
import type { OpenTeacherOptions, TeacherChoice } from "../choice.ts";
import type { StampedTeacher, Teacher } from "../teacher.ts";

/** A teacher over a loaded EnCodec. Disposing of the teacher disposes of EnCodec. */
export function codecTeacher(encodec: Encodec): Teacher {
  const { name, codebooks, codebookSize, sampleRateHz, rateHz, frameCount } = encodec;
  return {
    name,
    codebooks,
    codebookSize,
    sampleRateHz,
    rateHz,
    frameCount,
    encode: (waveforms) => encodec.encode(waveforms),
    dispose: () => encodec.dispose(),
  };
}

/** Opens the EnCodec checkpoint that is chosen: a file, a folder, or a name on the hub.
 *  @throws ConfigError where it is no 24 kHz EnCodec, and as `resolveModel` does. */
export async function openCodec(choice: TeacherChoice, engine: Engine, options: OpenTeacherOptions): Promise<StampedTeacher> {
  const { model = "facebook/encodec_24khz", codebooks } = choice;
  const isLocal = (await stat(model).catch(() => undefined)) !== undefined;
  const path = isLocal ? model : (await resolveModel(model, options)).folder;
  const encodec = await loadEncodec(path, engine, {
    ...(codebooks !== undefined && { codebooks }),
    ...(options.batchSize !== undefined && { batch: options.batchSize }),
  });
  return { teacher: codecTeacher(encodec), hash: await checkpointHash(path) };
}

/** SHA-256 of a checkpoint's weights; of several files, of their hashes in the order of their names. */
async function checkpointHash(path: string): Promise<string> {
  if (!(await stat(path)).isDirectory()) return sha256File(path);
  const files = (await readdir(path)).filter((name) => /\.(safetensors|pt|pth|th|bin)$/.test(name)).sort();
  const hashes: string[] = [];
  for (const name of files) hashes.push(await sha256File(join(path, name)));
  return hashes.length === 1 ? hashes[0]! : createHash("sha256").update(hashes.join("\n")).digest("hex");
}
