// Draws log-frequency spectrograms of ten seconds of each style on one sheet.
// Run: npx tsx scripts/synth-sheet.ts [png] [seed]. The copy in docs/pictures has its colours reduced to 48 to be small:
// ffmpeg -i sheet.png -vf "scale=980:-1:flags=area,split[a][b];[a]palettegen=48[p];[b][p]paletteuse=dither=none" docs/pictures/synth-styles.png

import { downmix } from "../src/audio/waveform.ts";
import { type Chart, heatmap, panels } from "../src/plot/chart.ts";
import { writePng } from "../src/plot/png.node.ts";
import { planSong, styleOf } from "../src/synth/song.ts";
import { spectrogram } from "../src/synth/spectrum.ts";
import { type StyleName, styleNames } from "../src/synth/styles.ts";

const sampleRateHz = 24_000;
const seconds = 10;
const [size, hop] = [2048, 600];
const [lowestHz, binsPerOctave, octaves] = [40, 16, 8];

/** Levels of bands in decibels relative to the loudest: [bands, frames]. */
function bands(samples: Float32Array): { values: Float32Array; frames: number; hertz: number[] } {
  const { frames, bins, values } = spectrogram(samples, size, hop);
  const count = octaves * binsPerOctave;
  const hertz = Array.from({ length: count }, (_, band) => lowestHz * 2 ** (band / binsPerOctave));
  const out = new Float32Array(count * frames);
  hertz.forEach((centre, band) => {
    const from = Math.floor((centre * 2 ** (-0.5 / binsPerOctave) * size) / sampleRateHz);
    const to = Math.max(from + 1, Math.ceil((centre * 2 ** (0.5 / binsPerOctave) * size) / sampleRateHz));
    for (let frame = 0; frame < frames; frame++) {
      let most = 1e-6;
      for (let k = from; k < Math.min(bins, to); k++) most = Math.max(most, values[frame * bins + k]!);
      out[band * frames + frame] = 20 * Math.log10(most);
    }
  });
  const loudest = out.reduce((most, value) => Math.max(most, value), -200);
  return { values: out.map((value) => value - loudest), frames, hertz };
}

function panel(style: StyleName): Chart {
  const seed = Number(process.argv[3] ?? 1);
  const plan = (song: number) => planSong({ seed, song, clipSeconds: seconds, sampleRateHz });
  let song = 0;
  let planned = plan(song);
  // The first song in whose first clip the drums, where there are any, play throughout.
  const drumHits = () => planned.take.hits.filter(({ startSeconds }) => startSeconds < seconds).length;
  while (styleOf(song) !== style || (planned.take.score.kit && drumHits() < 40)) planned = plan(++song);
  const label = planned.clips(0)[0]!;
  const { values, frames, hertz } = bands(downmix(planned.render()).subarray(0, seconds * sampleRateHz));
  return heatmap({
    title: `${style}: ${label.key}, ${label.beatsPerMinute} beats a minute`,
    subtitle: label.instruments.join(", "),
    xLabel: "seconds",
    yLabel: "hertz",
    xValues: Array.from({ length: frames }, (_, i) => (i * hop) / sampleRateHz),
    yValues: hertz.map((value) => String(Math.round(value))),
    values,
    range: [-70, 0],
  });
}

const path = process.argv[2] ?? "synth-styles.png";
await writePng(path, panels({ columns: 2, charts: styleNames.map(panel) }), { width: 1200, height: 1500, scale: 1 });
