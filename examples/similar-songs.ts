// The songs of a folder that sound most like one song: a vector of length 1 for each, compared by cosine.
//   npx tsx examples/similar-songs.ts [model] [song] [folder]
import { readdir } from "node:fs/promises";
import { embedMany, loadModel, topK, vector } from "ostinato";

const [name = "MERT-v1-95M", song = "song.mp3", folder = "music"] = process.argv.slice(2);
const files = (await readdir(folder)).map((file) => `${folder}/${file}`);

await using model = await loadModel(name);
const query = await vector(model, song);
const vectors: Float32Array[] = [];
for await (const { values } of embedMany(model, files, { layers: "recommended", pooling: "mean" })) vectors.push(values);

for (const { index, score } of topK(query, vectors, 5)) console.log(`${score.toFixed(3)} ${files[index]}`);
