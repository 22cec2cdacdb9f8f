// Parity of the teachers on libtorch: the same golden cases that src/dsp, src/inference and src/teachers test with ONNX Runtime.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { torchEngine } from "../../src/engines/torch/engine.ts";
import { searchLibtorch } from "../../src/engines/torch/locate.ts";
import type { Encodec } from "../../src/inference/encodec.ts";
import { loadEncodec } from "../../src/inference/load-encodec.node.ts";
import { kmeansAssigner } from "../../src/teachers/kmeans/kmeans.ts";
import { goldenArray, goldenPath } from "../fixtures/golden.ts";
import { encodecCase, encodecErrors, encodecLengths, featureCases, featureError, goldenSource } from "../fixtures/golden-teachers.ts";

const absent = searchLibtorch().found === undefined;

describe.skipIf(absent)(`features on libtorch equal the originals'${absent ? " (no libtorch here)" : ""}`, () => {
  for (const featureCase of featureCases.filter(({ folder }) => goldenSource(folder) !== undefined)) {
    test(`${featureCase.folder}: ${featureCase.name} within ${featureCase.bar}`, async () => {
      const error = await featureError(torchEngine({ threads: 1 }), featureCase);
      expect(error).toBeLessThan(featureCase.bar);
    });
  }
});

describe.skipIf(absent)(`EnCodec on libtorch has facebook's codes${absent ? " (no libtorch here)" : ""}`, () => {
  let teacher: Encodec;
  beforeAll(async () => {
    teacher = await loadEncodec(goldenPath("D_encodec/hf"), torchEngine({ threads: 1 }));
  });
  afterAll(() => teacher?.dispose());

  for (const length of encodecLengths.filter((samples) => encodecCase(samples))) {
    test(`a wave of ${length} samples`, async () => {
      const right = encodecCase(length)!;
      const [codes] = await teacher.encode([right.wave], { embeddings: true });
      const errors = encodecErrors(codes!, right);
      expect(errors.wrong).toBe(0);
      expect(errors.worst).toBeLessThan(1e-4);
    });
  }
});

test.skipIf(absent)("k-means on libtorch gives fairseq's labels", async () => {
  const [features, centroids, labels, margins] = ["features", "centroids", "labels", "distance_margin"].map(
    (name) => goldenArray(`F_kmeans/apply/${name}.npy`).data,
  ) as [Float32Array, Float32Array, Float32Array, Float32Array];
  const assigner = await kmeansAssigner(torchEngine({ threads: 1 }), 39);
  const found = await assigner.assign(features, { width: 39, centres: Float64Array.from(centroids) });
  await assigner.dispose();
  expect(Array.from(found).filter((label, i) => margins[i]! > 1e-3 && label !== labels[i])).toEqual([]);
});
