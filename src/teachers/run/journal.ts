// The journal of a labelling run: a file of codes, and a line per batch with its clips. A batch is complete once its line is written.
import { closeSync, openSync, readSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { openAppendFile } from "../../base/append-file.node.ts";
import { FormatError } from "../../base/errors.ts";
import type { Guard } from "../../base/files.node.ts";
import { type Journal, openJournal } from "../../base/journal.node.ts";
import { bytesOf, deinterleave, interleave } from "../../data/labels/compact.ts";
import type { LabelSet, LabelStamp } from "../../data/labels/label-set.ts";
import { checkCrop } from "../../data/labels/label-set.ts";
import type { Codes } from "../../inference/encodec.ts";

/** A clip that was labelled. */
export interface Labelled {
  /** Index in the manifest. */
  readonly clip: number;
  /** Samples that were labelled. */
  readonly samples: number;
  readonly frames: number;
  /** What was repaired or lost in decoding, in words. */
  readonly mends?: readonly string[];
}

/** A clip without labels, and the reason. */
export interface Unlabelled {
  readonly clip: number;
  readonly fault: string;
  readonly message: string;
}

export type Outcome = Labelled | Unlabelled;

interface BatchLine {
  readonly batch: number;
  /** Number of frames before it in the file of codes. */
  readonly at: number;
  readonly clips: readonly Outcome[];
}

export interface LabelJournal {
  /** Completed batches. */
  readonly done: ReadonlySet<number>;
  /** The outcome of each clip so far, by index. */
  readonly outcomes: ReadonlyMap<number, Outcome>;
  /** Writes a batch: the codes of its labelled clips in their order. */
  add(batch: number, clips: readonly Outcome[], codes: readonly Codes[]): Promise<void>;
  /** The labelled clips in the manifest's order as a set. */
  labels(stamp: LabelStamp): LabelSet & { close(): void };
  close(): Promise<void>;
}

/** Opens a run's journal in a folder, or creates it; a journal of another run, with a different `identity`, is replaced. `guard`: the lock under which it is
 *  written. */
export async function openLabelJournal(
  folder: string,
  codebooks: number,
  identity: object,
  options: { readonly guard?: Guard | undefined } = {},
): Promise<LabelJournal> {
  const lines: Journal<object> = await openJournal(join(folder, "batches.jsonl"), options);
  if (JSON.stringify(lines.lines[0]) !== JSON.stringify(identity)) {
    await lines.truncate(0);
    await lines.append(identity);
  }
  const outcomes = new Map<number, Outcome>();
  const places = new Map<number, number>(); // frames before a clip
  const done = new Set<number>();
  let end = 0;
  const note = ({ batch, at, clips }: BatchLine) => {
    done.add(batch);
    end = at;
    for (const outcome of clips) {
      outcomes.set(outcome.clip, outcome);
      if ("frames" in outcome) {
        places.set(outcome.clip, end);
        end += outcome.frames;
      }
    }
  };
  for (const line of lines.lines.slice(1)) note(line as BatchLine);
  const path = join(folder, "codes");
  const codesFile = await openAppendFile(path, options);
  await codesFile.truncate(end * codebooks * 2); // codes without their line were half a batch
  return {
    done,
    outcomes,
    async add(batch, clips, codes) {
      for (const { values, frames } of codes) await codesFile.append(bytesOf(interleave(values, codebooks, frames)));
      await codesFile.sync(); // before the line that counts them
      const line: BatchLine = { batch, at: end, clips };
      await lines.append(line);
      note(line);
    },
    labels: (stamp) => journalSet(path, stamp, outcomes, places),
    async close() {
      await codesFile.close();
      await lines.close();
    },
  };
}

/** Removes a journal. */
export async function removeLabelJournal(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

function journalSet(
  path: string,
  stamp: LabelStamp,
  outcomes: ReadonlyMap<number, Outcome>,
  places: ReadonlyMap<number, number>,
): LabelSet & { close(): void } {
  const file = openSync(path, "r");
  const kept = [...outcomes.values()].filter((outcome): outcome is Labelled => "frames" in outcome).sort((a, b) => a.clip - b.clip);
  const { codebooks } = stamp;
  return {
    stamp,
    clips: kept.length,
    frames: (clip) => kept[clip]!.frames,
    read(clip, start, count) {
      const { clip: index, frames } = kept[clip]!;
      checkCrop(frames, start, count);
      const codes = new Uint16Array(count * codebooks);
      const bytes = bytesOf(codes);
      const from = (places.get(index)! + start) * codebooks * 2;
      for (let read = 0; read < bytes.length; ) {
        const got = readSync(file, bytes, read, bytes.length - read, from + read);
        if (got === 0) throw new FormatError(`${path} is shorter than its batches say. Remove its folder and label again.`);
        read += got;
      }
      return deinterleave(codes, codebooks);
    },
    close: () => closeSync(file),
  };
}
