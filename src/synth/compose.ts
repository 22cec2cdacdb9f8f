// Composing: draws a score in a style. Each kind of section is written once and repeated unchanged, as in songs.
import type { Rng } from "../base/random.ts";
import { chordNotes, type FigureName } from "./accompaniment.ts";
import { type BassLine, bassNotes } from "./bass-lines.ts";
import { between, chance, pick, weighted } from "./dice.ts";
import { drumHits } from "./drum-patterns.ts";
import { clamp, exp2, power } from "./exact-math.ts";
import { castOf, densityOf, planForm } from "./form.ts";
import { type Degree, ownerOf, progression, realise, type Split } from "./harmony.ts";
import { type InstrumentName, patchesOf } from "./instruments.ts";
import { melodyNotes } from "./melody.ts";
import type { Character, Hit, Note, Part, Score, Section, SectionContext, Slot } from "./score.ts";
import { type Style, type StyleName, styles } from "./styles.ts";
import { type Key, type Mode, mod12, type scales } from "./theory.ts";

export interface ComposeOptions {
  readonly style: StyleName;
  /** Decides which patches and progressions may be used. */
  readonly split: Split;
  /** Lower bound of the piece's length. */
  readonly seconds: number;
}

/** Composes a whole piece. */
export function compose(rng: Rng, options: ComposeOptions): Score {
  const style = styles[options.style];
  const key: Key = { tonic: drawTonic(rng, options.style), mode: chance(rng, 0.5) ? "major" : "minor" };
  const character = drawCharacter(rng, style);
  const beatsPerBar = chance(rng, style.triple) ? 3 : 4;
  const bars = Math.ceil((options.seconds * character.beatsPerMinute) / 60 / beatsPerBar);
  const band = drawBand(rng, style, options.split, key.mode, character.register);
  const plan = planForm(rng, style.form, bars);
  const written = new Map<string, Material>();
  const sections: Section[] = [];
  const slots: Slot[] = [];
  const parts = band.players.map(() => [] as Note[]);
  const hits: Hit[] = [];
  let startBeat = 0;
  plan.forEach(({ name, bars: length }, i) => {
    const id = `${name}/${length}`;
    const material =
      written.get(id) ?? write(rng, { style, split: options.split, key, character, beatsPerBar, band, written }, name, length);
    written.set(id, material);
    const changes = i > 0 && plan[i - 1]!.name !== name;
    sections.push({ name, startBeat, beats: length * beatsPerBar });
    slots.push(...material.slots.map((slot) => ({ ...slot, beat: slot.beat + startBeat })));
    material.notes.forEach((notes, player) => {
      for (const note of notes) parts[player]!.push({ ...note, beat: note.beat + startBeat });
    });
    for (const hit of material.hits)
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
    kit: style.groove && { patch: pick(rng, patchesOf(options.split)), decibels: between(rng, -2, 2), hits },
  };
}

/** Draws the expressive settings. Density grows a little with tempo, articulation and dynamics lean towards the style's; otherwise they are
 *  independent, so that the mood cannot be read from one of them. */
function drawCharacter(rng: Rng, style: Style): Character {
  const [slowest, fastest] = style.tempo;
  const speed = clamp(0.6 * (rng() + rng()) - 0.1, 0, 1); // mostly moderate tempi
  return {
    beatsPerMinute: Math.round(slowest * power(fastest / slowest, speed) * 10) / 10,
    density: 0.3 * speed + 0.7 * rng(),
    gate: 1 - 0.65 * (0.65 * rng() + 0.35 * style.staccato),
    tension: rng() * 0.8,
    force: 0.65 * rng() + 0.35 * style.force,
    register: between(rng, -1, 1),
  };
}

/** Styles prefer neighbouring keys on the circle of fifths (guitars sharps, winds flats). The preferences of the ten styles are evenly spaced
 *  on the circle, so over all styles the twelve tonics are equally likely. */
function drawTonic(rng: Rng, style: StyleName): number {
  const fifths = Array.from({ length: 12 }, (_, i) => i);
  const weights = fifths.map((fifth) => {
    const away = Math.abs(fifth - styles[style].keyCentre);
    const distance = Math.min(away, 12 - away);
    return exp2(-0.35 * distance * distance) + 0.04;
  });
  return mod12(7 * Number(weighted(rng, Object.fromEntries(weights.map((weight, i) => [i, weight])))));
}

type Player = Omit<Part, "notes">;

interface Band {
  /** In the order bass, chord layers, melody. */
  readonly players: readonly Player[];
  readonly line: BassLine;
  readonly figures: readonly { readonly figure: FigureName; readonly centre: number }[];
  readonly scale: keyof typeof scales;
  readonly centre: number;
}

function drawBand(rng: Rng, style: Style, split: Split, mode: Mode, register: number): Band {
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
    figures: layers.map(({ figures, centre }) => ({
      figure: pick(rng, figures),
      centre: Math.max(46, centre + pick(rng, [-2, 0, 2]) + Math.round(4 * register)),
    })),
    scale: pick(rng, style.melody.scales[mode]),
    centre: style.melody.centre + pick(rng, [-3, -1, 0, 2]) + Math.round(8 * register),
  };
}

interface Brief {
  readonly style: Style;
  readonly split: Split;
  readonly key: Key;
  readonly character: Character;
  readonly beatsPerBar: number;
  readonly band: Band;
  /** The sections written so far, by name and length. */
  readonly written: ReadonlyMap<string, Material>;
}

/** A written section; times count from its beginning. */
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

/** Introductions and endings take the verse's chords if the verse is written already and its first bars are a cycle that the split may use. */
function writeChords(rng: Rng, { style, split, key, character, beatsPerBar, written }: Brief, name: string, bars: number): Slot[] {
  const { taste } = style;
  const borrowed = ["intro", "outro", "breakdown", "solo"].includes(name)
    ? [...written].find(([id]) => id.startsWith("verse"))?.[1].slots
    : undefined;
  if (borrowed !== undefined) {
    const first = borrowed.filter(({ beat, beats }) => beat + beats <= bars * beatsPerBar);
    const whole = first.reduce((sum, { beats }) => sum + beats, 0) === bars * beatsPerBar;
    if (whole && ownerOf(first.map(({ chord }) => chord.root)) === split) return first;
  }
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

/** Vamps: four chords that mostly return to the tonic, for styles whose progressions have two chords. Cycles of two chords are too few to be
 *  divided between the splits. */
function twoChords(rng: Rng, taste: Style["taste"], mode: Mode, split: Split): Degree[] {
  return progression(
    rng,
    { ...taste, weights: { ...taste.weights, [mode === "major" ? "I" : "i"]: 6 } },
    { mode, split, length: 4, ending: "open" },
  );
}
