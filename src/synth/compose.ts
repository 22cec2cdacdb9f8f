// Composing: from a style and random numbers to a score. Each kind of section is written once and returns as it was, as in songs.
import type { Rng } from "../base/random.ts";
import { chordNotes, type FigureName } from "./accompaniment.ts";
import { type BassLine, bassNotes } from "./bass-lines.ts";
import { between, chance, pick } from "./dice.ts";
import { drumHits } from "./drum-patterns.ts";
import { clamp, power } from "./exact-math.ts";
import { castOf, densityOf, type PlannedSection, planForm } from "./form.ts";
import { type Degree, progression, realise, type Split } from "./harmony.ts";
import { type InstrumentName, patchesOf } from "./instruments.ts";
import { melodyNotes } from "./melody.ts";
import type { Character, Hit, Note, Part, Score, Section, SectionContext, Slot } from "./score.ts";
import { type Style, type StyleName, styles } from "./styles.ts";
import type { Key, Mode, scales } from "./theory.ts";

export interface ComposeOptions {
  readonly style: StyleName;
  /** Decides which patches and progressions may be used. */
  readonly split: Split;
  /** The piece lasts at least so long. */
  readonly seconds: number;
  /** Sections instead of the style's own form; all bars long. */
  readonly form?: readonly PlannedSection[];
  /** Instead of a drawn one; for pieces of an exact length. */
  readonly beatsPerMinute?: number;
}

/** A whole piece. */
export function compose(rng: Rng, options: ComposeOptions): Score {
  const style = styles[options.style];
  const key: Key = { tonic: Math.floor(rng() * 12), mode: chance(rng, 0.5) ? "major" : "minor" };
  const drawn = drawCharacter(rng, style);
  const character = { ...drawn, beatsPerMinute: options.beatsPerMinute ?? drawn.beatsPerMinute };
  const beatsPerBar = options.form === undefined && chance(rng, style.triple) ? 3 : 4;
  const bars = Math.ceil((options.seconds * character.beatsPerMinute) / 60 / beatsPerBar);
  const band = drawBand(rng, style, options.split, key.mode);
  const plan = options.form ?? planForm(rng, style.form, bars);
  const book = new Map<string, Material>();
  const sections: Section[] = [];
  const slots: Slot[] = [];
  const parts = band.players.map(() => [] as Note[]);
  const hits: Hit[] = [];
  let startBeat = 0;
  plan.forEach(({ name, bars: length }, i) => {
    const id = `${name}/${length}`;
    const written = book.get(id) ?? write(rng, { style, split: options.split, key, character, beatsPerBar, band, book }, name, length);
    book.set(id, written);
    const changes = i > 0 && plan[i - 1]!.name !== name;
    sections.push({ name, startBeat, beats: length * beatsPerBar });
    slots.push(...written.slots.map((slot) => ({ ...slot, beat: slot.beat + startBeat })));
    written.notes.forEach((notes, player) => {
      for (const note of notes) parts[player]!.push({ ...note, beat: note.beat + startBeat });
    });
    for (const hit of written.hits)
      if (hit.piece !== "crash" || hit.beat > 0 || changes || style.groove === "metal") hits.push({ ...hit, beat: hit.beat + startBeat });
    startBeat += length * beatsPerBar;
  });
  return {
    style: options.style,
    split: options.split,
    key,
    character,
    beatsPerBar,
    swing: between(rng, ...style.swing),
    swing16: between(rng, ...style.swing16),
    beats: startBeat,
    sections,
    slots,
    parts: band.players.map((player, i) => ({ ...player, notes: parts[i]! })),
    kit: style.groove && { patch: pick(rng, patchesOf(options.split)), decibels: between(rng, -3, 3), hits },
  };
}

/** Tempo, density and articulation lean the same way, as they do in music, but none follows from another. */
function drawCharacter(rng: Rng, style: Style): Character {
  const lean = rng();
  const cue = () => clamp(0.6 * lean + 0.6 * rng() - 0.1, 0, 1);
  const [slowest, fastest] = style.tempo;
  return {
    beatsPerMinute: Math.round(slowest * power(fastest / slowest, cue()) * 10) / 10,
    density: cue(),
    gate: 1 - 0.65 * cue(),
    tension: rng() * 0.8,
  };
}

type Player = Omit<Part, "notes">;

interface Band {
  /** Bass, then the layers, then the melody. */
  readonly players: readonly Player[];
  readonly line: BassLine;
  readonly figures: readonly { readonly figure: FigureName; readonly centre: number }[];
  readonly scale: keyof typeof scales;
  readonly centre: number;
}

function drawBand(rng: Rng, style: Style, split: Split, mode: Mode): Band {
  const patches = patchesOf(split);
  const player = (role: Part["role"], instruments: readonly InstrumentName[], decibels: number, spread: number): Player => ({
    role,
    instrument: pick(rng, instruments),
    patch: pick(rng, patches),
    decibels: decibels + between(rng, -2.5, 2.5),
    pan: between(rng, -spread, spread),
  });
  const layers = style.layers.filter(({ probability = 1 }) => chance(rng, probability));
  return {
    players: [
      player("bass", style.bass.instruments, 0, 0.15),
      ...layers.map((layer) => player("chords", layer.instruments, layer.decibels, 0.7)),
      player("melody", style.melody.instruments, 0.5, 0.3),
    ],
    line: pick(rng, style.bass.lines),
    figures: layers.map(({ figures, centre }) => ({ figure: pick(rng, figures), centre: centre + pick(rng, [-2, 0, 2]) })),
    scale: pick(rng, style.melody.scales[mode]),
    centre: style.melody.centre + pick(rng, [-5, -2, 0, 2]),
  };
}

interface Brief {
  readonly style: Style;
  readonly split: Split;
  readonly key: Key;
  readonly character: Character;
  readonly beatsPerBar: number;
  readonly band: Band;
  readonly book: ReadonlyMap<string, Material>;
}

/** A section as it is written down once: times from its own beginning. */
interface Material {
  readonly slots: readonly Slot[];
  /** One list a player. */
  readonly notes: readonly (readonly Note[])[];
  readonly hits: readonly Hit[];
}

function write(rng: Rng, brief: Brief, name: string, bars: number): Material {
  const { style, key, character, beatsPerBar, band } = brief;
  const slots = writeChords(rng, brief, name, bars);
  const density = densityOf(name, character.density);
  const context: SectionContext = { key, slots, bars, beatsPerBar, density, gate: character.gate };
  const cast = castOf(rng, name, band.figures.length);
  const notes = [
    cast.bass ? bassNotes(rng, band.line, context) : [],
    ...band.figures.map(({ figure, centre }, i) => (i < cast.layers ? chordNotes(rng, figure, centre, context) : [])),
    cast.melody ? melodyNotes(rng, { scale: band.scale, centre: band.centre + (name === "chorus" ? 3 : 0) }, context) : [],
  ];
  const hits = style.groove && cast.drums ? drumHits(rng, style.groove, context, { crash: true }) : [];
  return { slots, notes, hits };
}

/** Introductions and endings borrow the verse's chords where it is written already. */
function writeChords(rng: Rng, { style, split, key, character, beatsPerBar, book }: Brief, name: string, bars: number): Slot[] {
  const { taste } = style;
  const borrowed = ["intro", "outro", "breakdown", "solo"].includes(name)
    ? [...book].find(([id]) => id.startsWith("verse"))?.[1].slots
    : undefined;
  const borrowedBeats = borrowed?.reduce((sum, { beats }) => sum + beats, 0) ?? 0;
  if (borrowed && borrowedBeats >= bars * beatsPerBar) return borrowed.filter(({ beat }) => beat < bars * beatsPerBar);
  const length = taste.twelveBar && bars === 12 ? 12 : Math.min(pick(rng, taste.lengths), bars);
  const ending = name === "outro" || (name === "verse" && style.form === "standard") || chance(rng, 0.25) ? "closed" : "open";
  const away = name === "bridge" || (name === "chorus" && chance(rng, 0.3));
  const degrees: readonly Degree[] =
    length < 4 || bars < 4
      ? twoChords(rng, taste, key.mode, split)
      : progression(rng, taste, { mode: key.mode, split, length, ending, away });
  const barsEach = Math.max(taste.barsPerChord, degrees.length <= 4 && bars >= 8 && chance(rng, 0.25) ? 2 : 1);
  const chords = degrees.map((degree) => realise(rng, degree, key, taste.colour, character.tension));
  const slots: Slot[] = [];
  for (let beat = 0, i = 0; beat < bars * beatsPerBar; i++) {
    const beats = Math.min(barsEach * beatsPerBar, bars * beatsPerBar - beat);
    slots.push({ beat, beats, chord: chords[i % chords.length]! });
    beat += beats;
  }
  return slots;
}

/** Vamps: two chords, drawn out and turned within four, so that each part of the corpus has its own. */
function twoChords(rng: Rng, taste: Style["taste"], mode: Mode, split: Split): Degree[] {
  return progression(
    rng,
    { ...taste, weights: { ...taste.weights, [mode === "major" ? "I" : "i"]: 6 } },
    { mode, split, length: 4, ending: "open" },
  );
}
