// Long audio: the frontend's frames are those of the whole clip, on both engines; windows keep every frame once; little is held and all is let go.
import { describe, expect, test } from "vitest";
import { maxDifference } from "../../test/fixtures/golden.ts";
import { goldenModels, openGoldenModel } from "../../test/fixtures/golden-models.ts";
import { torchMissing } from "../../test/fixtures/torch.ts";
import { AudioError } from "../base/errors.ts";
import { toFloat32 } from "../base/host-tensor.ts";
import { fillGaussian, seeded } from "../base/random.ts";
import { onnxEngine } from "../engines/onnx/engine.node.ts";
import { torchEngine } from "../engines/torch/engine.ts";
import { createEncoder, type Encoder } from "./encoder.ts";
import { type FrameRun, frontendFrames, type LongClip, longClip } from "./long.ts";
import { stageChain } from "./stage-chain.ts";

const engines = [
  ["onnx", () => onnxEngine({ threads: 1 }), undefined],
  ["torch", () => torchEngine({ device: "cpu", threads: 1 }), torchMissing],
] as const;

/** Noise on an offset, its loudness rising a hundredfold: no part of it has the statistics of the whole. */
function crescendo(samples: number): Float32Array {
  const noise = fillGaussian(seeded(5), new Float32Array(samples), 0.01);
  return noise.map((x, i) => 0.02 + x * 100 ** (i / samples));
}

async function joined(runs: AsyncIterable<FrameRun>): Promise<FrameRun & { readonly runs: number }> {
  const all: FrameRun[] = [];
  for await (const run of runs) all.push(run);
  const { layers, width } = all[0]!;
  const frames = all.reduce((sum, run) => sum + run.frames, 0);
  const values = new Float32Array(layers.length * frames * width);
  for (const run of all) {
    for (let layer = 0; layer < layers.length; layer++) {
      const part = run.values.subarray(layer * run.frames * width, (layer + 1) * run.frames * width);
      values.set(part, (layer * frames + run.firstFrame) * width);
    }
  }
  return { layers, frames, width, values, firstFrame: 0, runs: all.length };
}

describe.each(engines)("on %s", (_, start, missing) => {
  describe.skipIf(missing).each(goldenModels)("%s", (name) => {
    test.each([false, true])(
      "the frontend gives each frame what it gives in the run of the whole clip, to 1e-5 (normalised: %s)",
      async (on) => {
        const { model, weights, close } = await openGoldenModel(name);
        const engine = start();
        const encoder = createEncoder(model, engine, weights, { normaliseInput: on });
        const chain = stageChain(model, engine, weights);
        const samples = crescendo(13 * model.sampleRateHz + 77);
        for (const tap of ["conv_features", "frontend"]) {
          const whole = toFloat32((await encoder.taps(samples, [tap]))[tap]!);
          let at = 0;
          for await (const frames of frontendFrames({ model, chain, normaliseInput: on }, longClip(samples, model), tap)) {
            expect(maxDifference(frames, whole.subarray(at, at + frames.length))).toBeLessThan(1e-5);
            at += frames.length;
          }
          expect(at).toBe(whole.length);
        }
        await chain.dispose();
        await encoder.dispose();
        await close();
      },
    );

    test("a clip that fits one window equals the run over the whole clip", async () => {
      const { model, weights, close } = await openGoldenModel(name);
      const encoder = createEncoder(model, start(), weights, { normaliseInput: true });
      const samples = crescendo(9 * model.sampleRateHz + 5);
      const [whole] = await encoder.hiddenStates([samples]);
      const streamed = await joined(encoder.stream(samples, { windowSeconds: 10 }));
      expect([streamed.layers, streamed.frames]).toEqual([whole!.layers, whole!.frames]);
      expect(maxDifference(streamed.values, whole!.values)).toBeLessThan(2e-5);
      await encoder.dispose();
      await close();
    });
  });
});

describe("windows", () => {
  async function withEncoder(work: (encoder: Encoder) => Promise<void>): Promise<void> {
    const { model, weights, close } = await openGoldenModel("mert_95m_24k");
    const encoder = createEncoder(model, onnxEngine({ threads: 1 }), weights, { normaliseInput: true });
    await work(encoder);
    await encoder.dispose();
    await close();
  }

  test("keep every frame once and in order, alone and in batches", () =>
    withEncoder(async (encoder) => {
      const samples = crescendo(20 * 24_000);
      const options = { layers: [3], windowSeconds: 3, overlapSeconds: 1 };
      let next = 0;
      for await (const { firstFrame, frames } of encoder.stream(samples, options)) {
        expect(firstFrame).toBe(next);
        next += frames;
      }
      expect(next).toBe(encoder.model.frameCount(samples.length));
      const [alone, batched] = [
        await joined(encoder.stream(samples, options)),
        await joined(encoder.stream(samples, { ...options, batchSize: 4 })),
      ];
      expect(maxDifference(batched.values, alone.values)).toBeLessThan(1e-5);
    }));

  test("affect the frames near their edges most, and less with more overlap", () =>
    withEncoder(async (encoder) => {
      const samples = crescendo(12 * 24_000);
      const [whole] = await encoder.hiddenStates([samples], "last");
      const mean = async (overlapSeconds: number) => {
        const { values } = await joined(encoder.stream(samples, { layers: "last", windowSeconds: 4, overlapSeconds }));
        return values.reduce((sum, value, i) => sum + Math.abs(value - whole!.values[i]!), 0) / values.length;
      };
      const [apart, half] = [await mean(0), await mean(2)];
      expect(apart).toBeGreaterThan(1e-6);
      expect(half).toBeLessThan(apart);
    }));

  test("hold at most one window and one piece of a clip, and close the clip when the reader stops", () =>
    withEncoder(async ({ model, stream }) => {
      const piece = crescendo(24_000);
      const hour = 3600;
      const state = { read: 0, closed: 0 };
      const source: LongClip = {
        statistics: { ...longClip(piece, model).statistics, samples: hour * piece.length },
        async *pieces() {
          try {
            for (; state.read < hour; state.read++) yield piece;
          } finally {
            state.closed++;
          }
        },
      };
      let runs = 0;
      for await (const { firstFrame, frames } of stream(source, { layers: [0], windowSeconds: 6, overlapSeconds: 1 })) {
        const behind = (firstFrame + frames) / 75;
        expect(state.read).toBeLessThan(behind + 6 + 6); // seconds: half a window, a chunk of the frontend, a piece
        if (++runs === 5) break;
      }
      expect(state.closed).toBe(1);
    }));

  test("of a clip that has become shorter since its statistics were gathered are refused", () =>
    withEncoder(async ({ model, stream }) => {
      const samples = crescendo(8 * 24_000);
      const { statistics } = longClip(samples, model);
      const shorter = longClip(samples.subarray(0, 7 * 24_000), model);
      const runs = stream({ ...shorter, statistics }, { windowSeconds: 2, layers: [0] });
      await expect(joined(runs)).rejects.toThrow(AudioError);
    }));

  test("end at a signal with its reason", () =>
    withEncoder(async ({ stream }) => {
      const controller = new AbortController();
      const runs = stream(crescendo(8 * 24_000), { windowSeconds: 2, layers: [0], signal: controller.signal });
      await runs.next();
      controller.abort(new Error("enough"));
      await expect(joined(runs)).rejects.toThrow("enough");
    }));
});
