// Progress: what the line says, and when it is drawn.
import { expect, test } from "vitest";
import { clock, progressLine, startProgress } from "./progress.ts";

test("the line tells files, failures, seconds of audio a second, and the time left", () => {
  const line = progressLine({ done: 9, failed: 1, skipped: 10, seconds: 300, total: 40, elapsed: 60 });
  expect(line).toBe("20/40 files, 10 skipped, 1 failed · 5.0 s of audio a second · 2:00 left");
  expect(clock(3_725)).toBe("1:02:05");
});

function recorder(isTTY: boolean) {
  const written: string[] = [];
  let time = 0;
  const stream = { isTTY, columns: 60, write: (text: string) => written.push(text) };
  return { written, stream, now: () => time, pass: (ms: number) => (time += ms) };
}

test("a terminal's line is redrawn in place, cut to its width, and removed at the end", () => {
  const { written, stream, now, pass } = recorder(true);
  const progress = startProgress({ total: 3, stream, now });
  progress.advance({ seconds: 5 });
  pass(1000);
  progress.advance({ seconds: 5 });
  progress.finish();
  expect(written.filter((text) => text.includes("files"))).toHaveLength(2);
  expect(written.every((text) => text.length < 60 && !text.includes("\n"))).toBe(true);
  expect(written.at(-1)).toBe("\r\x1b[K");
});

test("a terminal that does not know its width counts as 80 columns", () => {
  const { written, stream, now } = recorder(true);
  const progress = startProgress({ total: 3, stream: { ...stream, columns: 0 }, now });
  progress.advance({ seconds: 5 });
  expect(written.at(-1)).toBe("1/3 files · 0:00 left");
});

test("without a terminal a line comes each ten seconds, and none when quiet", () => {
  for (const quiet of [false, true]) {
    const { written, stream, now, pass } = recorder(false);
    const progress = startProgress({ total: 30, stream, now, quiet });
    for (let i = 0; i < 25; i++) {
      pass(1000);
      progress.advance({ seconds: 5 });
    }
    progress.finish();
    expect(written).toHaveLength(quiet ? 0 : 2);
    expect(written.every((line) => line.endsWith("\n") && !line.includes("\r"))).toBe(true);
  }
});
