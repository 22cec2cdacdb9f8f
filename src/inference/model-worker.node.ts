// The worker's side of a model in a worker thread: opens the model and answers calls. See `worker-encoder.node.ts`.
import { parentPort, type Transferable, workerData } from "node:worker_threads";
import { OstinatoError } from "../base/errors.ts";
import { plainThrown } from "../base/worker-pool.node.ts";
import { checkpointWeights } from "../checkpoint/weights.ts";
import { chooseEngine, type EngineOptions } from "./choose-engine.node.ts";
import { createEncoder, type Encoder } from "./encoder.ts";
import { describeLocalModel, openModelWeights } from "./load.node.ts";
import type { FrameRun, LongClip } from "./long.ts";
import { reviveError } from "./revive.ts";
import type { FromWorker, ToWorker, WorkerCall, WorkerModelData } from "./worker-messages.ts";

const port = parentPort;
if (port === null) throw new OstinatoError("model-worker runs inside a worker thread only.");
const post = (message: FromWorker, transfer: Transferable[] = []) => port.postMessage(message, transfer);

const streams = new Map<number, AsyncGenerator<FrameRun>>();
const pulls = new Map<number, { resolve(piece: Float32Array | undefined): void; reject(error: Error): void }>();
let pullCount = 0;

const opened = open(workerData as WorkerModelData);
opened.catch(() => {}); // every call reports it
port.on("message", (message: ToWorker) => {
  if ("pull" in message) {
    const pull = pulls.get(message.pull);
    pulls.delete(message.pull);
    if ("thrown" in message) pull?.reject(reviveError(message.thrown));
    else pull?.resolve(message.piece);
    return;
  }
  const { id, body } = message;
  answer(body).then(
    (result) => post({ id, result }, buffersOf(result)),
    (error) => post({ id, thrown: plainThrown(error) }),
  );
});

async function open({ local, options, engine }: WorkerModelData): Promise<Encoder> {
  const file = await openModelWeights(local);
  const { architecture } = await describeLocalModel(local, file);
  const chosen = await chooseEngine({ ...(engine as EngineOptions), onNotice: (notice) => post({ notice }) });
  const encoder = createEncoder(architecture.model, chosen.engine, checkpointWeights(file, architecture.keys), options);
  return { ...encoder, dispose: () => encoder.dispose().then(() => file.close()) };
}

async function answer(body: WorkerCall): Promise<unknown> {
  const encoder = await opened;
  switch (body.call) {
    case "hiddenStates":
      return encoder.hiddenStates(body.waveforms, body.layers, { normalised: body.normalised });
    case "taps":
      return encoder.taps(body.waveform, body.names);
    case "stream":
      streams.set(
        body.stream,
        encoder.stream(body.clip instanceof Float32Array ? body.clip : remoteClip(body.stream, body.clip), body.options),
      );
      return undefined;
    case "next":
      return streams.get(body.stream)?.next() ?? { done: true, value: undefined };
    case "return":
      await streams.get(body.stream)?.return(undefined);
      streams.delete(body.stream);
      return undefined;
    case "dispose":
      return encoder.dispose();
  }
}

/** A long clip whose pieces the program decodes. */
function remoteClip(stream: number, statistics: LongClip["statistics"]): LongClip {
  let readings = 0;
  return {
    statistics,
    async *pieces() {
      const reading = readings++;
      for (;;) {
        const piece = await new Promise<Float32Array | undefined>((resolve, reject) => {
          pulls.set(++pullCount, { resolve, reject });
          post({ pull: pullCount, stream, reading });
        });
        if (piece === undefined) return;
        yield piece;
      }
    },
  };
}

/** The buffers of typed arrays in a result, which move instead of being copied. */
function buffersOf(value: unknown, buffers = new Set<ArrayBuffer>()): ArrayBuffer[] {
  if (ArrayBuffer.isView(value)) {
    if (value.buffer instanceof ArrayBuffer && value.byteLength === value.buffer.byteLength) buffers.add(value.buffer);
  } else if (typeof value === "object" && value !== null) for (const each of Object.values(value)) buffersOf(each, buffers);
  return [...buffers];
}
