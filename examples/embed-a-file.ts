// Every layer's hidden states of one file, equal to those of the original code.
//   npx tsx examples/embed-a-file.ts [model] [audio]
import { embed, loadModel } from "ostinato";

const [name = "MERT-v1-95M", audio = "song.mp3"] = process.argv.slice(2);

const model = await loadModel(name);
const { values, shape, provenance } = await embed(model, audio);
await model.dispose();

const [layers, frames, width] = shape;
console.log(`${audio}: ${layers} hidden states of ${frames} frames, ${width} values each (${values.length} in all)`);
console.log(
  `${provenance.source.seconds} s from ${provenance.source.sampleRateHz} Hz, licence ${provenance.model.licence?.name ?? "unknown"}`,
);
