// Damaged files open or are refused with one of our errors, quickly and in little memory. `npm run check:fuzz` does the same 100,000 times, in a
// process whose death would be noticed.
import { expect, test } from "vitest";
import { fuzzCase, fuzzTargets, soundTargets } from "./targets.ts";

const cases = { sound: 30, other: 60 };
const limitSeconds = 20;

test.each(fuzzTargets)("$name, damaged anyhow", async (target) => {
  const count = soundTargets.includes(target) ? cases.sound : cases.other;
  const before = process.memoryUsage().rss;
  const outcomes: string[] = [];
  for (let seed = 0; seed < count; seed++) {
    const { how, finding } = await fuzzCase(target, seed, AbortSignal.timeout(1000 * limitSeconds));
    expect(finding, `case ${seed}: npm run check:fuzz -- --target "${target.name}" --case ${seed}`).toBeUndefined();
    outcomes.push(how);
  }
  // Sound survives most damage; all else is refused for the least.
  const broken = outcomes.filter((how) => how !== "opened");
  expect(broken.length).toBeGreaterThan(count / 10);
  expect(process.memoryUsage().rss - before).toBeLessThan(400e6);
});
