// Songs: what a corpus is made of. Each is decided by the corpus' seed and the song's number alone. Planning takes milliseconds and gives all
// labels; rendering gives the sound.
import type { Waveform } from "../audio/waveform.ts";
import type { Rng } from "../base/random.ts";
import { artistsOf, titleOf } from "./artists.ts";
import { compose } from "./compose.ts";
import { betweenLog, seededBy } from "./dice.ts";
import type { Split } from "./harmony.ts";
import { type ClipLabel, type MusicLabel, musicLabelOf } from "./label.ts";
import { finishMix, makeBus, mixKit, mixPart } from "./mixdown.ts";
import { record } from "./recording.ts";
import { type StyleName, styleNames } from "./styles.ts";
import { excerptOf, perform, type Take } from "./take.ts";

/** Version of the generator: the same version, seed, number, clip length and rate give the same bytes. Any change of a sample or a label must
 *  raise it. */
export const synthVersion = 2;

export interface SongOptions {
  readonly seed: number;
  /** The song's number in its corpus; decides split and style. */
  readonly song: number;
  /** The length of a clip. The song is cut into clips from its beginning, without gaps. */
  readonly clipSeconds: number;
  readonly sampleRateHz: number;
}

/** Six of eight songs are train, one is valid, one test. */
export function splitOf(song: number): Split {
  const slot = song % 8;
  return slot < 6 ? "train" : slot === 6 ? "valid" : "test";
}

/** In each eighty songs every split has all styles equally often. */
export function styleOf(song: number): StyleName {
  return styleNames[((song % 8) * 3 + Math.floor(song / 8)) % styleNames.length]!;
}

/** The length of a song: 1.2 to 5 clips, log-uniform, in tenths of a second. */
export function songSeconds({ seed, song, clipSeconds }: Pick<SongOptions, "seed" | "song" | "clipSeconds">): number {
  const clips = betweenLog(seededBy("length", synthVersion, seed, song), 1.2, 5);
  return Math.round(10 * clips * clipSeconds) / 10;
}

/** Where the clips of a song lie. A remainder of at least a third of a clip is a shorter clip; a smaller one belongs to none. */
export function clipSpans(song: number, clip: number): { startSeconds: number; seconds: number }[] {
  const whole = Math.floor(song / clip);
  const spans = Array.from({ length: whole }, (_, i) => ({ startSeconds: i * clip, seconds: clip }));
  const rest = Math.round(10 * (song - whole * clip)) / 10;
  return 3 * rest >= clip ? [...spans, { startSeconds: whole * clip, seconds: rest }] : spans;
}

/** How much of a song EmoMusic's layout takes, from its beginning: 45 s where clips have 30 s. */
export function emotionSeconds(song: number, clip: number): number {
  return Math.min(song, 1.5 * clip);
}

export interface PlannedSong {
  readonly split: Split;
  readonly seconds: number;
  readonly artists: readonly string[];
  readonly title: string;
  readonly take: Take;
  /** Labels of the clips; the first has the id `firstClip`. */
  clips(firstClip: number): ClipLabel[];
  /** The label of the excerpt that EmoMusic's layout takes. */
  emotion(): MusicLabel;
  /** The whole song, stereo. */
  render(): Waveform;
}

export function planSong(options: SongOptions): PlannedSong {
  const { seed, song, clipSeconds, sampleRateHz } = options;
  const name = ["song", synthVersion, seed, song, clipSeconds] as const;
  const [style, split, seconds] = [styleOf(song), splitOf(song), songSeconds(options)];
  const score = compose(seededBy(...name, "score"), { style, split, seconds: Math.max(75, 1.2 * seconds) });
  const take = perform(seededBy(...name, "performance"), score, { seconds });
  const [artists, title] = [artistsOf(seed, song), titleOf(seed, song)];
  const spans = clipSpans(seconds, clipSeconds);
  return {
    split,
    seconds,
    artists,
    title,
    take,
    clips: (firstClip) =>
      spans.map((span, clip) => ({
        id: idOf(firstClip + clip),
        version: synthVersion,
        seed,
        split,
        song: idOf(song),
        clip,
        ...span,
        songSeconds: seconds,
        artists,
        title,
        sampleRateHz,
        ...musicLabelOf(excerptOf(take, span.startSeconds, span.seconds)),
      })),
    emotion: () => musicLabelOf(excerptOf(take, 0, emotionSeconds(seconds, clipSeconds))),
    render: () => render(seededBy(...name, "render"), take, { sampleRateHz, ends: spans.map((span) => span.startSeconds + span.seconds) }),
  };
}

/** Six digits. */
export function idOf(index: number): string {
  return String(index).padStart(6, "0");
}

/** The sound of a take: stereo. The recording is mastered in pieces that end at `ends`, the last one at the end of the take. */
function render(rng: Rng, take: Take, { sampleRateHz, ends }: { sampleRateHz: number; ends: readonly number[] }): Waveform {
  const samples = Math.round(take.seconds * sampleRateHz);
  const bus = makeBus(samples, sampleRateHz);
  for (const [i, part] of take.score.parts.entries()) mixPart(bus, part, take.notes[i]!, rng);
  if (take.score.kit) mixKit(bus, take.score.kit, take.hits);
  finishMix(bus, take.room, take.compression);
  const pieces = [...ends.slice(0, -1).map((end) => Math.round(end * sampleRateHz)), samples];
  return { sampleRateHz, channels: record(rng, bus, take.recording, pieces) };
}
