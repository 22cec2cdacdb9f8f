// Verify: all hidden states of a model compared with those of transformers, computed by a short Python script that anyone can read and run.
import { execFile } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { resample } from "../audio/resample.ts";
import { downmix } from "../audio/waveform.ts";
import { ConfigError, messageOf, NotFoundError } from "../base/errors.ts";
import { writeAtomic } from "../base/files.node.ts";
import { hostTensor, toFloat32 } from "../base/host-tensor.ts";
import { npyBytes, parseNpy } from "../formats/npy.ts";
import { shortSong } from "../synth/short-song.ts";
import { compare } from "./diff.ts";
import { normalise } from "./input-normalisation.ts";
import type { LoadedModel } from "./load.node.ts";

export interface LayerCheck {
  readonly layer: number;
  readonly maxError: number;
  readonly maxErrorOverRms: number;
  readonly cosine: number;
}

export interface Verification {
  readonly model: string;
  readonly reference: string;
  readonly engine: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly maxErrorOverRms: number;
  readonly equal: boolean;
  readonly layers: readonly LayerCheck[];
}

export interface VerifyOptions {
  /** Folder for the script, its input, its output and the result. */
  readonly folder: string;
  readonly seconds?: number;
  /** The largest `maxErrorOverRms` that counts as equal; default 1e-3. */
  readonly tolerance?: number;
}

/** The Python that runs the script: OSTINATO_PYTHON, else python3. */
const pythonOf = () => process.env.OSTINATO_PYTHON ?? "python3";

/** Writes `reference.py` and `waveform.npy`, runs the script, compares, and writes `result.json`. An existing `reference.npy`, computed
 *  elsewhere from the same two files, is used as it is.
 *  @throws NotFoundError where Python lacks torch or transformers, with the command to run elsewhere; ConfigError for models that transformers
 *  does not have. */
export async function verifyModel(
  model: LoadedModel,
  modelFolder: string,
  { folder, seconds = 5, tolerance = 1e-3 }: VerifyOptions,
): Promise<Verification> {
  const { hfConfig } = model.architecture;
  if (hfConfig.feature_extractor_cqt || hfConfig.deepnorm) {
    throw new ConfigError("transformers alone has no CQT input and no deepnorm: this model can't be verified against it.");
  }
  const music = shortSong({ seconds, seed: 1 });
  const raw = resample(downmix(music), { from: music.sampleRateHz, to: model.model.sampleRateHz });
  const waveform = model.inputNormalisation.on ? normalise(raw) : raw;
  const at = (name: string) => join(folder, name);
  const text = script(model.architecture.family, modelFolder);
  const before = await readFile(at("reference.py"), "utf8").catch(() => text);
  // Remove the output of another model's script.
  if (before !== text) await Promise.all(["reference.npy", "reference.txt"].map((name) => rm(at(name), { force: true })));
  await writeAtomic(at("reference.py"), text);
  await writeAtomic(at("waveform.npy"), npyBytes(hostTensor(waveform, [1, waveform.length])));
  const version = await runScript(folder);
  const reference = parseNpy(new Uint8Array(await readFile(at("reference.npy"))), at("reference.npy"));
  const [states] = await model.hiddenStates([raw]);
  const { frames, width, values } = states!;
  const shape = [states!.layers.length, frames, width];
  if (reference.shape.join() !== shape.join()) {
    throw new ConfigError(
      `${at("reference.npy")} is [${reference.shape.join(", ")}], this model gives [${shape.join(", ")}]. Remove the file and run again.`,
    );
  }
  const theirs = toFloat32(reference);
  const size = frames * width;
  const layers = states!.layers.map((layer, i) => ({
    layer,
    ...compare(theirs.subarray(i * size, (i + 1) * size), values.subarray(i * size, (i + 1) * size)),
  }));
  const maxErrorOverRms = Math.max(...layers.map(({ maxErrorOverRms }) => maxErrorOverRms));
  const { engine, dtype, name } = model;
  const result = {
    model: name,
    reference: version,
    engine,
    dtype,
    shape,
    maxErrorOverRms,
    equal: maxErrorOverRms <= tolerance,
    layers,
  };
  await writeAtomic(at("result.json"), `${JSON.stringify(result, null, 2)}\n`);
  return result;
}

/** Runs the script unless its output exists. Returns the versions that it reports. */
async function runScript(folder: string): Promise<string> {
  const versions = join(folder, "reference.txt");
  const made = await readFile(versions, "utf8").catch(() => undefined);
  if (made !== undefined) return made.trim();
  try {
    const { stdout } = await promisify(execFile)(pythonOf(), ["reference.py"], { cwd: folder, maxBuffer: 1 << 26 });
    return stdout.trim();
  } catch (error) {
    const why = ((error as { stderr?: string }).stderr?.trim() || messageOf(error)).split("\n").at(-1);
    throw new NotFoundError(
      `The reference script did not run (${why}). Where Python has torch and transformers, run it in ${folder}:\n  python3 reference.py\n` +
        "then run `ostinato verify` again; or name such a Python in OSTINATO_PYTHON.",
    );
  }
}

/** HuBERT and MERT are transformers' HubertModel, music2vec is its Data2VecAudioModel. */
function script(family: string, modelFolder: string): string {
  const [config, model] = family === "music2vec" ? ["Data2VecAudioConfig", "Data2VecAudioModel"] : ["HubertConfig", "HubertModel"];
  return `# Hidden states of ${JSON.stringify(modelFolder)} as transformers computes them. Run: python3 reference.py
import json
import numpy, torch, transformers
folder = ${JSON.stringify(modelFolder)}
given = json.load(open(folder + "/config.json"))
config = transformers.${config}(**{k: v for k, v in given.items() if k not in ("model_type", "architectures", "auto_map")})
model = transformers.${model}.from_pretrained(folder, config=config, attn_implementation="eager").float().eval()
with torch.inference_mode():
    answer = model(torch.from_numpy(numpy.load("waveform.npy")), output_hidden_states=True)
# The last entry is what follows the final norm; transformers 5 lists pre-norm models' raw sum there.
states = [*answer.hidden_states[:-1], answer.last_hidden_state]
numpy.save("reference.npy", torch.cat(states).numpy())
versions = f"transformers {transformers.__version__}, torch {torch.__version__}"
open("reference.txt", "w").write(versions)
print(versions)
`;
}
