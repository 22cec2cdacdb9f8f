// Damaged files open or are refused with one of our errors, in bounded time. `npm run check:fuzz` runs 100,000 cases in child processes and
// bounds their memory too.
import { expect, test } from "vitest";
import { fuzzCase, fuzzTargets, soundTargets } from "./targets.ts";

const cases = { sound: 30, other: 60 };
const limitSeconds = 20;

test.each(fuzzTargets)("a damaged file opens or is refused with one of our errors: $name", async (target) => {
  const count = soundTargets.includes(target) ? cases.sound : cases.other;
  const outcomes: string[] = [];
  for (let seed = 0; seed < count; seed++) {
    const { how, finding } = await fuzzCase(target, seed, AbortSignal.timeout(1000 * limitSeconds));
    expect(finding, `case ${seed}: npm run check:fuzz -- --target "${target.name}" --case ${seed}`).toBeUndefined();
    outcomes.push(how);
  }
  // Decoders survive most damage; every other format is refused after nearly any.
  const broken = outcomes.filter((how) => how !== "opened");
  expect(broken.length).toBeGreaterThan(count / 10);
});
