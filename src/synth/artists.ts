// Artists and titles of songs. Data sets split by a hash of the artist (GiantSteps' by sha1 mod 116, EmoMusic's by sha1 mod 10), so names are
// drawn until their hashes give the song's own split. In the valid split some artists hash to train and move to valid because they share a
// song with a valid artist, as GiantSteps' rule has it.
import { createHash } from "node:crypto";
import { pick, seededBy } from "./dice.ts";

/** Which hash says train: GiantSteps' and EmoMusic's. Each kind of artist has a combination of its own, so that no name is in two splits. */
const hashes = {
  train: { giantSteps: true, emoMusic: true },
  valid: { giantSteps: false, emoMusic: false },
  /** A valid artist by association. */
  moved: { giantSteps: true, emoMusic: false },
  test: { giantSteps: false, emoMusic: true },
} as const;

const first =
  "amber,autumn,blue,bright,cedar,copper,crimson,dusty,early,electric,fading,gentle,golden,hidden,hollow,iron,ivory,late,lonely,lucky,midnight,misty,northern,painted,paper,quiet,restless,rolling,rusty,silent,silver,southern,summer,tall,velvet,violet,wandering,western,wild,winter".split(
    ",",
  );
const second =
  "anchors,arrows,bells,birds,bridges,canyons,clouds,crows,doors,embers,feathers,fields,foxes,gardens,harbours,hills,horses,islands,ladders,lanterns,letters,lions,mirrors,moons,mountains,oceans,pilots,pines,rivers,roads,sailors,shadows,sparrows,stones,strangers,swallows,towers,trains,waves,wolves".split(
    ",",
  );
const third = "band,choir,club,company,duo,ensemble,four,orchestra,players,quartet,quintet,singers,society,trio,two,union".split(",");

/** Artists of a song, the first one its own, the others guests. In each eight songs three train artists have three, two and one songs; a test
 *  artist has three songs, a valid one two or three. */
export function artistsOf(seed: number, song: number): string[] {
  const [row, slot] = [Math.floor(song / 8), song % 8];
  const name = (kind: keyof typeof hashes, group: number, member: number) => artistName(seed, kind, `${group}/${member}`);
  if (slot < 6) {
    const own = name("train", row, slot < 3 ? 0 : slot < 5 ? 1 : 2);
    return slot === 3 && row % 2 === 1 ? [own, name("train", row, 0)] : [own];
  }
  if (slot === 7) {
    const group = Math.floor(row / 3);
    return row % 3 === 1 && group > 0 ? [name("test", group, 0), name("test", group - 1, 0)] : [name("test", group, 0)];
  }
  const group = Math.floor(row / 6);
  const host = () => name("valid", group, 0);
  const guest = () => name("moved", group, 0);
  const guestOfGuest = () => name("moved", group, 1);
  const bills = [[host], [host, guest], [guest], [guest, guestOfGuest], [guestOfGuest], [host]];
  return bills[row % 6]!.map((artist) => artist());
}

export function titleOf(seed: number, song: number): string {
  const rng = seededBy("title", seed, song);
  return `${pick(rng, second)} of ${pick(rng, first)} ${pick(rng, second)}`;
}

/** An artist's only album. */
export function albumOf(artist: string): string {
  const rng = seededBy("album", artist);
  return `${pick(rng, first)} ${pick(rng, second)}`;
}

/** The remainder of the sha1 of a text, read as one number. */
export function sha1Remainder(text: string, divisor: number): number {
  const digest = createHash("sha1").update(text).digest("hex");
  return Number(BigInt(`0x${digest}`) % BigInt(divisor));
}

function artistName(seed: number, kind: keyof typeof hashes, id: string): string {
  const rng = seededBy("artist", seed, kind, id);
  const wanted = hashes[kind];
  for (;;) {
    const name = `${pick(rng, first)} ${pick(rng, second)} ${pick(rng, third)}`;
    if (sha1Remainder(name, 116) < 100 === wanted.giantSteps && sha1Remainder(name, 10) < 8 === wanted.emoMusic) return name;
  }
}
