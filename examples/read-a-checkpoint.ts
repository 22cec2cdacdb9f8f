// Lists a checkpoint and reads one tensor: safetensors, pytorch_model.bin and fairseq's .pt open the same way, and pickles are never run.
//   npx tsx examples/read-a-checkpoint.ts [file or folder]
import { openCheckpointPath, toFloat32 } from "ostinato";

const [path = "pytorch_model.bin"] = process.argv.slice(2);

const checkpoint = await openCheckpointPath(path);
const names = [...checkpoint.tensors.keys()];
console.log(`${checkpoint.format}, ${names.length} tensors`);

const { dtype, shape } = checkpoint.tensors.get(names[0]!)!;
const values = toFloat32(await checkpoint.read(names[0]!)); // only this tensor's bytes are read
const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
console.log(`${names[0]}: ${dtype} [${shape.join(", ")}], mean ${mean.toExponential(3)}`);
await checkpoint.close();
