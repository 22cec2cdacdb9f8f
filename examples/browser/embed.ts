// A page that embeds a recording in the browser: the model comes from /model/, the recording never leaves the browser.
// serve.ts beside this file bundles and serves it.
import { loadAudio, loadModelFromUrl, timeMean } from "ostinato/browser";

const show = (line: string) => document.querySelector("pre")!.append(`${line}\n`);
const complain = (error: Error) => show(`${error.name}: ${error.message}`);

async function start() {
  const loaded = await loadModelFromUrl("/model/", { runtimeFiles: "/ort/", warn: show });
  show(`${loaded.model.family}, ${loaded.dtype}, on ${loaded.backend} (${loaded.backendReason}); ${loaded.threads} threads`);
  return loaded;
}

async function embed(file: File) {
  const { model, hiddenStates } = await ready;
  const audio = await loadAudio(file, { sampleRateHz: model.sampleRateHz, seconds: 30 });
  const started = performance.now();
  const [states] = await hiddenStates([audio.samples]);
  const means = timeMean(states!); // [layers, width]
  const took = ((performance.now() - started) / 1000).toFixed(2);
  show(`${file.name}: ${audio.durationSeconds.toFixed(2)} s of ${audio.format} from ${audio.sourceSampleRateHz} Hz, embedded in ${took} s`);
  show(
    `${states!.layers.length} hidden states of ${states!.frames} frames; last layer's mean: ${means.slice(-states!.width).slice(0, 4)} …`,
  );
}

const ready = start();
ready.catch(complain);
document.querySelector("input")!.addEventListener("change", async ({ currentTarget }) => {
  for (const file of (currentTarget as HTMLInputElement).files ?? []) await embed(file).catch(complain);
});
