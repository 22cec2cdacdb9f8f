// EnCodec against facebook's own answers, on ONNX Runtime. The same on libtorch: test/parity/teachers.torch.test.ts.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { goldenPath, maxDifference } from "../../test/fixtures/golden.ts";
import { encodecCase, encodecErrors, encodecLengths, goldenSource } from "../../test/fixtures/golden-teachers.ts";
import { writeAtomic } from "../base/files.node.ts";
import { fillGaussian, seeded } from "../base/random.ts";
import { openCheckpointFile } from "../checkpoint/read.node.ts";
import { onnxEngine } from "../engines/onnx/engine.node.ts";
import { lazyTensors } from "../formats/tensor-file.ts";
import { torchZipChunks } from "../formats/torch/write.ts";
import type { Codes, Encodec } from "./encodec.ts";
import { loadEncodec } from "./load-encodec.node.ts";

const engine = onnxEngine({ threads: 1 });
const folder = goldenPath("D_encodec/hf");
const noise = (samples: number) => fillGaussian(seeded(samples), new Float32Array(samples), 0.3);
let teacher: Encodec;
beforeAll(async () => {
  teacher = await loadEncodec(folder, engine);
});
afterAll(() => teacher.dispose());

describe("codes and embeddings are facebook's", () => {
  for (const length of encodecLengths) {
    const right = encodecCase(length);
    test.skipIf(!right)(`a wave of ${length} samples${right ? "" : " (its golden folder is not at hand)"}`, async () => {
      const [codes] = await teacher.encode([right!.wave], { embeddings: true });
      const errors = encodecErrors(codes!, right!);
      expect(errors.wrong).toBe(0);
      expect(errors.worst).toBeLessThan(1e-4);
      expect([codes!.codebooks, codes!.frames]).toEqual(right!.codes.shape);
    });
  }
});

test("clips of different lengths, batched and in pieces, have the codes of single whole runs", async () => {
  const waves = [1, 700, 5000, 960, 6400, 3201, 12_345, 320, 9599].map(noise);
  const small = await loadEncodec(folder, engine, { pieceFrames: 7, batch: 4 });
  const together = await small.encode(waves, { embeddings: true });
  await small.dispose();
  for (const [i, wave] of waves.entries()) {
    const [alone] = await teacher.encode([wave], { embeddings: true });
    expect(together[i]!.frames).toBe(Math.ceil(wave.length / 320));
    expect(maxDifference(together[i]!.embeddings!, alone!.embeddings!)).toBeLessThan(2e-5);
    expect(agreement(together[i]!, alone!)).toBeGreaterThan(0.99);
  }
});

const agreement = (a: Codes, b: Codes) => a.values.filter((code, i) => code === b.values[i]).length / b.values.length;

test("facebook's files need no configuration: it is inferred from the shapes, in torch's format too", async () => {
  const work = await mkdtemp(join(tmpdir(), "ostinato-encodec-"));
  try {
    const source = goldenSource("D_encodec/facebook") ?? folder;
    const file = await openCheckpointFile(join(source, "model.safetensors"));
    const path = join(work, "encodec_24khz.th");
    await writeAtomic(path, torchZipChunks(Object.fromEntries(lazyTensors(file).map((tensor) => [tensor.name, tensor]))));
    const fromTorch = await loadEncodec(path, engine);
    expect({ ...fromTorch.config, codebooks: 8 }).toEqual({ ...teacher.config, codebooks: 8 });
    const wave = encodecCase(4801)!;
    const [codes] = await fromTorch.encode([wave.wave], { embeddings: true });
    expect(encodecErrors(codes!, wave).wrong).toBe(0);
    await Promise.all([fromTorch.dispose(), file.close()]);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
});

test("an empty clip, too many codebooks, and another model are refused", async () => {
  await expect(teacher.encode([new Float32Array(0)])).rejects.toThrow("Clip 0 is empty");
  await expect(loadEncodec(folder, engine, { codebooks: 99 })).rejects.toThrow("99 codebooks were asked for; this checkpoint holds 8");
  await expect(loadEncodec(goldenPath("A_models/hubert_base_16k"), engine)).rejects.toThrow("encodec");
});
