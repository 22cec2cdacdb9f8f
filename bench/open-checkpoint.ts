// How long does it take to open a checkpoint of 1.3 GB and read one tensor of it, and how much memory?
// Prints one line of JSON. The file is sparse, so this measures our own work and not the disk.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openCheckpointFile } from "../src/checkpoint/read.node.ts";
import { torchZipChunks } from "../src/formats/torch/write.ts";

const zeros = new Uint8Array(16 * 2 ** 20);

/** A tensor of zeros that shares one buffer with all others. */
function zeroTensor(...shape: number[]) {
  const bytes = zeros.subarray(0, 4 * shape.reduce((a, b) => a * b, 1));
  return { dtype: "float32", shape, bytes } as const;
}

/** The shapes of a MERT-v1-330M, and as many small tensors. */
async function makeCheckpoint(path: string): Promise<void> {
  const tensors: Record<string, ReturnType<typeof zeroTensor>> = {};
  for (let i = 0; i < 27; i++) {
    for (const name of ["k_proj", "v_proj", "q_proj", "out_proj"]) {
      tensors[`encoder.layers.${i}.attention.${name}.weight`] = zeroTensor(1024, 1024);
      tensors[`encoder.layers.${i}.attention.${name}.bias`] = zeroTensor(1024);
    }
    tensors[`encoder.layers.${i}.feed_forward.intermediate_dense.weight`] = zeroTensor(4096, 1024);
    tensors[`encoder.layers.${i}.feed_forward.output_dense.weight`] = zeroTensor(1024, 4096);
    tensors[`encoder.layers.${i}.final_layer_norm.weight`] = zeroTensor(1024);
  }
  const file = await open(path, "w");
  let at = 0;
  for await (const chunk of torchZipChunks(tensors)) {
    if (chunk.buffer !== zeros.buffer) await file.write(chunk, 0, chunk.length, at);
    at += chunk.length;
  }
  await file.close();
}

async function measure(path: string) {
  const before = process.memoryUsage().rss;
  const start = performance.now();
  const file = await openCheckpointFile(path);
  const opened = performance.now();
  const tensor = await file.read("encoder.layers.11.feed_forward.output_dense.weight");
  const read = performance.now();
  await file.close();
  const megabytes = (bytes: number) => Math.round(bytes / 1e6);
  return {
    openMs: +(opened - start).toFixed(1),
    readMs: +(read - opened).toFixed(1),
    tensorMB: megabytes(tensor.bytes.length),
    rssMB: megabytes(process.memoryUsage().rss),
    rssBeforeMB: megabytes(before),
    tensors: file.tensors.size,
  };
}

const given = process.argv[2];
if (given) {
  console.log(JSON.stringify(await measure(given)));
} else {
  const folder = mkdtempSync(join(tmpdir(), "ostinato-bench-"));
  try {
    const path = join(folder, "model.pt");
    await makeCheckpoint(path);
    // Fresh processes: what making the file left in memory must not count.
    const runs = [1, 2, 3, 4, 5].map(() => {
      const output = execFileSync(process.execPath, [...process.execArgv, fileURLToPath(import.meta.url), path], { encoding: "utf8" });
      return JSON.parse(output) as Awaited<ReturnType<typeof measure>>;
    });
    const openMs = runs.map((run) => run.openMs).sort((a, b) => a - b);
    console.log(
      JSON.stringify({ ...runs[0], openMs: openMs[2], openMsSpread: [openMs[0], openMs[4]], cpu: cpus()[0]?.model, node: process.version }),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}
