// Time means of a few layers: the vectors most downstream tasks start from. Layers above the highest chosen one are not run.
//   npx tsx examples/chosen-layers.ts [model] [audio]
import { embed, loadModel } from "ostinato";

const [name = "MERT-v1-95M", audio = "song.mp3"] = process.argv.slice(2);

const model = await loadModel(name);
const { values, shape, layers } = await embed(model, audio, { layers: [1, 2], pooling: "mean", l2: true });
await model.dispose();

const width = shape[1]!;
layers.forEach((layer, i) => {
  const vector = values.subarray(i * width, (i + 1) * width);
  console.log(`layer ${layer}: [${Array.from(vector.subarray(0, 4), (x) => x.toFixed(4)).join(", ")}, …] of ${width}`);
});
