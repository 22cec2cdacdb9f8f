import { expect, test } from "vitest";
import { seeded } from "../base/random.ts";
import { canonicalCycle, ownerOf, progression, realise, rootsOf, splits } from "./harmony.ts";
import { planSong, splitOf } from "./song.ts";
import { styleNames, styles } from "./styles.ts";
import { chordName } from "./theory.ts";

test("every style has progressions of its own for each split, in both modes", () => {
  const rng = seeded(1);
  for (const name of styleNames) {
    for (const mode of ["major", "minor"] as const) {
      for (const split of splits) {
        const { taste } = styles[name];
        const length = Math.max(4, taste.lengths[0]!);
        for (const ending of ["open", "closed"] as const) {
          const chords = progression(rng, taste, { mode, split, length, ending });
          expect(chords).toHaveLength(length);
          expect(ownerOf(rootsOf(chords))).toBe(split);
        }
      }
    }
  }
});

test("a cycle has one form in all rotations and keys, with repeated chords merged and rounds counted once", () => {
  const cycle = canonicalCycle([0, 9, 5, 7]);
  expect(canonicalCycle([5, 7, 0, 9])).toEqual(cycle);
  expect(canonicalCycle([2, 11, 7, 9])).toEqual(cycle);
  expect(canonicalCycle([0, 9, 5, 7, 0, 9, 5, 7])).toEqual(cycle);
  expect(canonicalCycle([0, 0, 9, 9, 5, 5, 7, 7])).toEqual(cycle);
  expect(canonicalCycle([7, 0, 0, 9, 5, 7])).toEqual(cycle);
  expect(canonicalCycle([0, 5, 9, 7])).not.toEqual(cycle);
  expect(canonicalCycle([4, 4, 4])).toEqual([0]);
});

test("no progression of a section of test songs occurs in train or valid songs, in any rotation", () => {
  const seen = new Map<string, Set<string>>();
  let sections = 0;
  for (let song = 0; song < 480; song++) {
    const { score } = planSong({ seed: 6, song, clipSeconds: 30, sampleRateHz: 24_000 }).take;
    for (const { startBeat, beats } of score.sections) {
      const chords = score.slots.filter(({ beat }) => beat >= startBeat && beat < startBeat + beats).map(({ chord }) => chord.root);
      // Every rotation of the section's chords, in steps from chord to chord, counted as its progression.
      const steps = chords.map((root, i) => (chords[(i + 1) % chords.length]! - root + 12) % 12);
      for (let turn = 0; turn < steps.length; turn++) {
        const rotation = [...steps.slice(turn), ...steps.slice(0, turn)].join(" ");
        seen.set(rotation, (seen.get(rotation) ?? new Set()).add(splitOf(song)));
      }
      sections++;
    }
  }
  expect(sections).toBeGreaterThan(3000);
  expect(seen.size).toBeGreaterThan(1000);
  expect([...seen].filter(([, owners]) => owners.size > 1)).toEqual([]);
});

test("a degree sounds on its root, in the quality of the style", () => {
  const rng = seeded(2);
  const key = { tonic: 3, mode: "minor" } as const;
  expect(chordName(realise(rng, "i", key, "triads", 0))).toBe("Eb:min");
  expect(chordName(realise(rng, "V", key, "dominants", 0))).toBe("Bb:7");
  expect(chordName(realise(rng, "bVI", key, "power", 0))).toBe("B:5");
  expect(chordName(realise(rng, "ii°", key, "sevenths", 0))).toBe("F:hdim7");
});
