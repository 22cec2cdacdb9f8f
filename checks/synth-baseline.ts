// Do loudness, brightness and length of a generated clip tell its style or mood? They must not. Classifiers are fitted on train clips and
// scored on test clips. Run: npm run check:synth [clips]. A hundred clips of 30 s take about a minute of one core. Writes
// bench/results/synth-baseline.json; ends with 1 where the trivial features score above chance.
import { fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { writeResults } from "../measure/results.ts";
import { downmix } from "../src/audio/waveform.ts";
import { planClip, splitOf, synthVersion } from "../src/synth/clip.ts";
import { styleNames } from "../src/synth/styles.ts";
import {
  type Heard,
  linearAccuracy,
  linearR2,
  listen,
  neighboursAccuracy,
  neighboursR2,
  type Part,
  standardised,
} from "./synth-listener.ts";

const [seconds, sampleRateHz, seed] = [30, 24_000, 1];

interface Row {
  readonly index: number;
  readonly heard: Heard;
  readonly style: number;
  readonly arousal: number;
  readonly valence: number;
}

function hear(index: number): Row {
  const { label, render } = planClip({ seed, index, seconds, sampleRateHz });
  const heard = listen(downmix(render()), sampleRateHz);
  return { index, heard, style: styleNames.indexOf(label.style), arousal: label.mood.arousal, valence: label.mood.valence };
}

/** Extracts the features of all clips in child processes, each of which takes every n-th clip. */
async function hearAll(clips: number): Promise<Row[]> {
  const children = Math.min(availableParallelism(), 8);
  const rows = await Promise.all(
    Array.from({ length: children }, (_, child) => {
      const process = fork(fileURLToPath(import.meta.url), ["hear", String(child), String(children), String(clips)]);
      return new Promise<Row[]>((resolve, reject) => {
        process.once("message", (message) => resolve(message as Row[]));
        process.once("exit", (code) => code !== 0 && reject(new Error(`A listener ended with code ${code}.`)));
      });
    }),
  );
  return rows.flat().sort((a, b) => a.index - b.index);
}

function report(rows: readonly Row[]): boolean {
  const train = rows.filter(({ index }) => splitOf(index) === "train");
  const test = rows.filter(({ index }) => splitOf(index) === "test");
  const table = (["trivial", "wavering", "plain"] as const).map((ears) => {
    const parts = (answer: (row: Row) => number): [Part, Part] => {
      const part = (list: readonly Row[]) => ({ x: list.map(({ heard }) => heard[ears]), y: list.map(answer) });
      return standardised(part(train), part(test));
    };
    const style = parts((row) => row.style);
    const moods = (["arousal", "valence"] as const).map((mood) => {
      const both = parts((row) => row[mood]);
      return [mood, { linear: linearR2(...both), neighbours: neighboursR2(...both) }] as const;
    });
    return {
      ears,
      style: { linear: linearAccuracy(...style, 10), neighbours: neighboursAccuracy(...style) },
      ...Object.fromEntries(moods),
    };
  });
  const chance = 0.1;
  const margin = 1.96 * Math.sqrt((chance * (1 - chance)) / test.length);
  console.log(`synth version ${synthVersion}, seed ${seed}: ${train.length} train and ${test.length} test clips of ${seconds} s`);
  console.log(`style: chance is ${chance} ± ${margin.toFixed(3)} (95 %)`);
  console.table(
    Object.fromEntries(
      table.map(({ ears, ...scores }) => [
        ears,
        Object.fromEntries(
          Object.entries(scores).flatMap(([what, by]) =>
            Object.entries(by as Record<string, number>).map(([how, value]) => [`${what} ${how}`, Number(value.toFixed(3))]),
          ),
        ),
      ]),
    ),
  );
  const facts = { synthVersion, seed, seconds, train: train.length, test: test.length, chance, margin };
  writeResults("synth-baseline", {
    by: import.meta.url,
    question: "what simple features tell of a generated clip: accuracy of the style, R² of arousal and valence",
    versions: {},
    rows: table.map((row) => ({ ...facts, ...row })),
  });
  const [trivial] = table as unknown as {
    style: Record<string, number>;
    arousal: Record<string, number>;
    valence: Record<string, number>;
  }[];
  return (
    Math.max(...Object.values(trivial!.style)) < chance + 0.1 &&
    Math.max(...Object.values(trivial!.arousal), ...Object.values(trivial!.valence)) < 0.1
  );
}

const [task, child, children, count] = process.argv.slice(2);
if (task === "hear") {
  const indexes = Array.from({ length: Number(count) }, (_, i) => i).filter((i) => i % Number(children) === Number(child));
  process.send!(indexes.map(hear), () => process.disconnect());
} else if (!report(await hearAll(Number(task ?? 1600)))) {
  console.error("The trivial baseline reads more than chance: see the table.");
  process.exitCode = 1;
}
