// One vector for each clip: layers averaged by learned weights, as the model cards' 1×1 convolution and as MARBLE's softmax.
//   npx tsx examples/weighted-average.ts [model] [audio]
import { embed, type LayerAverage, loadModel } from "ostinato";

const [name = "MERT-v1-95M", audio = "song.mp3"] = process.argv.slice(2);

const model = await loadModel(name);
const count = model.model.layers + 1;

// Real weights come from training a probe. Here the first decay with the layer, and the second favour the middle layers.
const card: LayerAverage = { kind: "unconstrained", weights: Array.from({ length: count }, (_, i) => 1 / (i + 1)), bias: 0 };
const marble: LayerAverage = { kind: "softmax", logits: Array.from({ length: count }, (_, i) => -Math.abs(i - count / 2)) };

for (const weights of [card, marble]) {
  const { values, shape } = await embed(model, audio, { pooling: "weighted", weights });
  console.log(`${weights.kind}: [${shape.join(", ")}], first values ${Array.from(values.subarray(0, 3), (x) => x.toFixed(4)).join(", ")}`);
}
await model.dispose();
