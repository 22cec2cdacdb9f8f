import { expect, test } from "vitest";
import { seeded } from "../base/random.ts";
import { ownerOf, progression, realise, splits } from "./harmony.ts";
import { styleNames, styles } from "./styles.ts";
import { chordName } from "./theory.ts";

test("every style has progressions of its own for each part of the corpus, in both modes", () => {
  const rng = seeded(1);
  for (const name of styleNames) {
    for (const mode of ["major", "minor"] as const) {
      for (const split of splits) {
        const { taste } = styles[name];
        const length = Math.max(4, taste.lengths[0]!);
        for (const ending of ["open", "closed"] as const) {
          const found = progression(rng, taste, { mode, split, length, ending });
          expect(found).toHaveLength(length);
          expect(ownerOf(found)).toBe(split);
        }
      }
    }
  }
});

test("a degree sounds on its root, in the quality the style colours it with", () => {
  const rng = seeded(2);
  const key = { tonic: 3, mode: "minor" } as const;
  expect(chordName(realise(rng, "i", key, "triads", 0))).toBe("Eb:min");
  expect(chordName(realise(rng, "V", key, "dominants", 0))).toBe("Bb:7");
  expect(chordName(realise(rng, "bVI", key, "power", 0))).toBe("B:5");
  expect(chordName(realise(rng, "ii°", key, "sevenths", 0))).toBe("F:hdim7");
});
