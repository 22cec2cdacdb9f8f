// A model in a worker thread behind the interface of an encoder. ONNX Runtime computes on the thread that calls it, so a server keeps its own
// thread free this way. Samples are copied to the worker, results are moved back.
import { Worker } from "node:worker_threads";
import { messageOf } from "../base/errors.ts";
import { plainThrown, WorkerLostError, workerUrl } from "../base/worker-pool.node.ts";
import type { Model } from "../models/model.ts";
import { chosenLayers, type Encoder } from "./encoder.ts";
import type { FrameRun, LongClip } from "./long.ts";
import { reviveError } from "./revive.ts";
import type { FromWorker, ToWorker, WorkerCall, WorkerModelData } from "./worker-messages.ts";

/** Starts a worker thread that opens the model. The thread keeps the process alive only while it has a call to answer.
 *  Calls reject with what the model threw, or with WorkerLostError where the thread ended. */
export function workerEncoder(model: Model, data: WorkerModelData, onNotice: (message: string) => void): Encoder {
  const worker = new Worker(workerUrl(import.meta.url, "./model-worker.node.js"), { workerData: data });
  const calls = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>();
  const clips = new Map<number, { readonly clip: LongClip; readonly readings: Map<number, AsyncIterator<Float32Array>> }>();
  let count = 0;
  let lost: Error | undefined;

  const lose = (error: Error) => {
    lost ??= error;
    for (const { reject } of calls.values()) reject(lost);
    calls.clear();
  };
  const advice = "Load the model again.";
  worker.on("error", (error) => lose(new WorkerLostError(`The model's worker thread crashed: ${messageOf(error)}. ${advice}`)));
  worker.on("exit", (code) => lose(new WorkerLostError(`The model's worker thread ended (exit code ${code}). ${advice}`)));
  worker.on("message", (message: FromWorker) => {
    if ("notice" in message) return onNotice(message.notice);
    if ("pull" in message) return void serve(message);
    const call = calls.get(message.id);
    calls.delete(message.id);
    if (calls.size === 0) worker.unref();
    if ("thrown" in message) call?.reject(reviveError(message.thrown));
    else call?.resolve(message.result);
  });
  worker.unref();

  const post = (message: ToWorker) => worker.postMessage(message);
  const ask = <Result>(body: WorkerCall): Promise<Result> =>
    new Promise<Result>((resolve, reject) => {
      if (lost) return reject(lost);
      calls.set(++count, { resolve: resolve as (result: unknown) => void, reject });
      worker.ref();
      post({ id: count, body });
    });
  /** Sends the worker the next piece of a clip that is decoded here. */
  const serve = async ({ pull, stream, reading }: { pull: number; stream: number; reading: number }) => {
    const held = clips.get(stream);
    try {
      if (held && !held.readings.has(reading)) held.readings.set(reading, held.clip.pieces()[Symbol.asyncIterator]());
      const next = await held?.readings.get(reading)?.next();
      post({ pull, piece: next?.done === false ? next.value : undefined });
    } catch (error) {
      post({ pull, thrown: plainThrown(error) });
    }
  };

  return {
    model,
    options: data.options,
    hiddenStates: (waveforms, layers = "all", { normalised = false } = {}) => ask({ call: "hiddenStates", waveforms, layers, normalised }),
    taps: (waveform, names) => ask({ call: "taps", waveform, names }),
    async *stream(clip, { signal, ...options } = {}) {
      chosenLayers(options.layers ?? "all", model.layers); // refused before anything is sent
      const stream = ++count;
      const long = clip instanceof Float32Array ? undefined : clip;
      if (long) clips.set(stream, { clip: long, readings: new Map() });
      try {
        await ask({ call: "stream", stream, clip: clip instanceof Float32Array ? clip : clip.statistics, options });
        for (;;) {
          signal?.throwIfAborted();
          const { done, value } = await ask<IteratorResult<FrameRun, undefined>>({ call: "next", stream });
          if (done) return;
          yield value;
        }
      } finally {
        for (const pieces of clips.get(stream)?.readings.values() ?? []) await pieces.return?.();
        clips.delete(stream);
        if (!lost) await ask({ call: "return", stream }).catch(() => {});
      }
    },
    async dispose() {
      if (!lost) await ask({ call: "dispose" });
      lost ??= new WorkerLostError(`The model's worker thread was ended by dispose(). ${advice}`);
      await worker.terminate();
    },
  };
}
