// How hard are the tasks of `ostinato synth`? Simple features learn from the first clip of each train song and are scored on test songs, in
// five tasks: tags, style, key, arousal, valence. Key, chords and tempo are also estimated from the sound without learning.
// Run: npm run check:synth [songs]. About 1.5 s of CPU time a song. Writes bench/results/synth-baseline.json; exits 1 when loudness, brightness
// and the time-mean spectrum tell style or mood, when MFCC are at chance or perfect in a task, or when the estimates disagree with the labels.
import { fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { writeResults } from "../measure/results.ts";
import { downmix } from "../src/audio/waveform.ts";
import { type MusicLabel, tags } from "../src/synth/label.ts";
import { planSong, splitOf, synthVersion } from "../src/synth/song.ts";
import { styleNames } from "../src/synth/styles.ts";
import { pitchNames } from "../src/synth/theory.ts";
import { type Estimates, estimate } from "./synth-estimates.ts";
import { keyScore, linear, linearAccuracy, linearR2, neighboursAccuracy, neighboursR2, rocAuc, standardised } from "./synth-learners.ts";
import { type Features, featuresOf, mean } from "./synth-listener.ts";

const [clipSeconds, sampleRateHz, seed] = [30, 24_000, 1];

interface Row {
  readonly song: number;
  readonly features: Features;
  readonly label: MusicLabel;
  readonly estimates: Estimates | undefined;
}

function analyse(song: number): Row {
  const planned = planSong({ seed, song, clipSeconds, sampleRateHz });
  const samples = downmix(planned.render()).subarray(0, clipSeconds * sampleRateHz);
  const estimates = splitOf(song) === "train" ? undefined : estimate(samples, sampleRateHz);
  return { song, features: featuresOf(samples, sampleRateHz), label: planned.clips(0)[0]!, estimates };
}

/** Child processes analyse every n-th song. */
async function analyseAll(songs: number): Promise<Row[]> {
  const children = Math.min(availableParallelism(), 8);
  const rows = await Promise.all(
    Array.from({ length: children }, (_, child) => {
      const process = fork(fileURLToPath(import.meta.url), ["analyse", String(child), String(children), String(songs)]);
      return new Promise<Row[]>((resolve, reject) => {
        process.once("message", (message) => resolve(message as Row[]));
        process.once("exit", (code) => code !== 0 && reject(new Error(`A child process ended with code ${code}.`)));
      });
    }),
  );
  return rows.flat().sort((a, b) => a.song - b.song);
}

const keyIndex = ({ tonic, mode }: { tonic: number; mode: string }) => 2 * tonic + (mode === "minor" ? 1 : 0);
const keyOf = (index: number) => ({ tonic: index >> 1, mode: index % 2 === 0 ? ("major" as const) : ("minor" as const) });

/** Scores of a set of features, learned from `train` and measured on `test`. */
function scoresOf(features: keyof Features, train: readonly Row[], test: readonly Row[]) {
  const tables = (answer: (row: Row) => number) => {
    const table = (list: readonly Row[]) => ({ x: list.map((row) => row.features[features]), y: list.map(answer) });
    return standardised(table(train), table(test));
  };
  const style = tables(({ label }) => styleNames.indexOf(label.style));
  const [arousal, valence] = (["arousal", "valence"] as const).map((mood) => tables(({ label }) => label.mood[mood]));
  const key = tables(({ label }) => keyIndex(label));
  const keys = linear(...key, 24).map((scores) => keyOf(scores.indexOf(Math.max(...scores))));
  const areas = tags.flatMap((tag) => {
    const both = tables(({ label }) => (label.tags.includes(tag) ? 1 : 0));
    const area = rocAuc(
      linear(...both, 2).map(([no, yes]) => yes! - no!),
      both[1].y.map((value) => value === 1),
    );
    return area === undefined ? [] : [area];
  });
  return {
    style: linearAccuracy(...style, 10),
    styleNeighbours: neighboursAccuracy(...style),
    tags: mean(areas),
    key: mean(keys.map((estimated, i) => keyScore(estimated, test[i]!.label))),
    arousal: linearR2(...arousal!),
    arousalNeighbours: neighboursR2(...arousal!),
    valence: linearR2(...valence!),
    valenceNeighbours: neighboursR2(...valence!),
  };
}

/** How well single facts of the score predict the moods: R² of a line. */
function singleFacts(rows: readonly Row[]) {
  const r2 = (x: readonly number[], y: readonly number[]) => {
    const [meanX, meanY] = [mean(x), mean(y)];
    const xy = mean(x.map((value, i) => (value - meanX) * (y[i]! - meanY)));
    return xy ** 2 / mean(x.map((value) => (value - meanX) ** 2)) / mean(y.map((value) => (value - meanY) ** 2));
  };
  const facts = {
    mode: rows.map(({ label }) => (label.mode === "major" ? 1 : -1)),
    "log tempo": rows.map(({ label }) => Math.log2(label.beatsPerMinute)),
  };
  return Object.fromEntries(
    Object.entries(facts).map(([name, values]) => [
      name,
      {
        arousal: r2(
          values,
          rows.map(({ label }) => label.mood.arousal),
        ),
        valence: r2(
          values,
          rows.map(({ label }) => label.mood.valence),
        ),
      },
    ]),
  );
}

/** Agreement of the estimates with the labels. Chords are compared as triads; power chords and suspended ones have none and are left out. */
function agreement(rows: readonly Row[]) {
  const list = rows.flatMap(({ label, estimates }) => (estimates ? [{ label, estimates }] : []));
  const tempo = (factors: readonly number[]) =>
    mean(
      list.map(({ label, estimates }) =>
        factors.some((factor) => Math.abs(estimates.beatsPerMinute / (factor * label.beatsPerMinute) - 1) < 0.04) ? 1 : 0,
      ),
    );
  let [frames, right] = [0, 0];
  for (const { label, estimates } of list) {
    for (const { chord, startSeconds, endSeconds } of label.chords) {
      const [root, quality] = chord.split(":") as [(typeof pitchNames)[number], string];
      if (quality === "5" || quality === "sus4") continue;
      const triad = 2 * pitchNames.indexOf(root) + (/^(min|dim|hdim)/.test(quality) ? 1 : 0);
      const at = (seconds: number) => Math.ceil(seconds / estimates.chordHopSeconds - 0.5);
      for (let i = at(startSeconds); i < Math.min(estimates.chords.length, at(endSeconds)); i++) {
        frames++;
        if (estimates.chords[i] === triad) right++;
      }
    }
  }
  return {
    clips: list.length,
    key: mean(list.map(({ label, estimates }) => (keyIndex(estimates.key) === keyIndex(label) ? 1 : 0))),
    keyScore: mean(list.map(({ label, estimates }) => keyScore(estimates.key, label))),
    tempo: tempo([1]),
    tempoUpToOctave: tempo([1, 2, 0.5, 3, 1 / 3]),
    chords: right / frames,
  };
}

function report(rows: readonly Row[]): string[] {
  const train = rows.filter(({ song }) => splitOf(song) === "train");
  const test = rows.filter(({ song }) => splitOf(song) !== "train");
  const sets = ["trivial", "average", "spectrum", "wavering", "mfcc", "plain"] as const;
  const scores = Object.fromEntries(sets.map((features) => [features, scoresOf(features, train, test)]));
  const estimates = agreement(rows);
  const facts = singleFacts(rows);
  const chance = { style: 0.1, tags: 0.5, key: 1 / 12, arousal: 0, valence: 0 };
  const standardError = Math.sqrt((0.1 * 0.9) / test.length);
  console.log(
    `synth version ${synthVersion}, seed ${seed}: ${train.length} train songs, ${test.length} valid and test songs, ${clipSeconds} s each`,
  );
  console.log(`chance: style 0.1 ± ${standardError.toFixed(3)} (one standard error), tags 0.5, key 0.083, moods 0`);
  const rounded = (values: object) =>
    Object.fromEntries(Object.entries(values as Record<string, number>).map(([name, value]) => [name, Number(value.toFixed(3))]));
  console.table(Object.fromEntries(Object.entries(scores).map(([name, values]) => [name, rounded(values)])));
  console.log("R² of single facts of the score");
  console.table(Object.fromEntries(Object.entries(facts).map(([name, values]) => [name, rounded(values)])));
  console.log("Estimates without learning");
  console.table(rounded(estimates));
  const size = { train: train.length, test: test.length };
  writeResults("synth-baseline", {
    by: import.meta.url,
    question: "what simple features tell of a generated clip, and whether estimates from the sound agree with the labels",
    versions: {},
    rows: [{ synthVersion, seed, clipSeconds, ...size, chance, standardError, scores, facts, estimates }],
  });
  const failures: string[] = [];
  const expect = (holds: boolean, what: string) => {
    if (!holds) failures.push(what);
  };
  for (const features of ["trivial", "average"] as const) {
    const { style, styleNeighbours, arousal, arousalNeighbours, valence, valenceNeighbours } = scores[features]!;
    expect(Math.max(style, styleNeighbours) < 0.1 + 3 * standardError, `The ${features} features tell style.`);
    expect(Math.max(arousal, arousalNeighbours, valence, valenceNeighbours) < 0.1, `The ${features} features tell mood.`);
  }
  const { mfcc } = scores;
  expect(mfcc!.style > 0.5 && mfcc!.style < 0.8, "MFCC should tell style between 0.5 and 0.8.");
  expect(mfcc!.tags > 0.65 && mfcc!.tags < 0.95, "MFCC should tell tags between 0.65 and 0.95.");
  expect(
    Math.min(mfcc!.arousal, mfcc!.valence) > 0.1 && Math.max(mfcc!.arousal, mfcc!.valence) < 0.8,
    "MFCC should tell mood between 0.1 and 0.8.",
  );
  for (const fact of Object.values(facts)) expect(Math.max(fact.arousal, fact.valence) < 0.5, "A single fact decides a mood.");
  expect(estimates.chords > 0.6 && estimates.keyScore > 0.6 && estimates.tempo > 0.75, "The estimates disagree with the labels.");
  return failures;
}

const [task, child, children, count] = process.argv.slice(2);
if (task === "analyse") {
  const songs = Array.from({ length: Number(count) }, (_, i) => i).filter((i) => i % Number(children) === Number(child));
  process.send!(songs.map(analyse), () => process.disconnect());
} else {
  for (const failure of report(await analyseAll(Number(task ?? 640)))) {
    console.error(failure);
    process.exitCode = 1;
  }
}
