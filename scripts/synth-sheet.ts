// What does each style look like? One clip a style from the train part, log-frequency spectrograms, on one sheet.
// Run: npx tsx scripts/synth-sheet.ts [png] [seed]. The copy in docs/pictures has its colours reduced to 48 to be small:
// ffmpeg -i sheet.png -vf "scale=980:-1:flags=area,split[a][b];[a]palettegen=48[p];[b][p]paletteuse=dither=none" docs/pictures/synth-styles.png

import { downmix } from "../src/audio/waveform.ts";
import { type Chart, heatmap, panels } from "../src/plot/chart.ts";
import { writePng } from "../src/plot/png.node.ts";
import { planClip, styleOf } from "../src/synth/clip.ts";
import { spectrogram } from "../src/synth/spectrum.ts";
import { type StyleName, styleNames } from "../src/synth/styles.ts";

const sampleRateHz = 24_000;
const seconds = 10;
const [size, hop] = [2048, 600];
const [lowestHz, binsPerOctave, octaves] = [40, 16, 8];

/** Decibels over semitone-like bands: [bands, frames], the loudest 0. */
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
  let index = 0;
  let clip = planClip({ seed, index, seconds, sampleRateHz });
  // A stretch in which the drummer, where there is one, plays throughout.
  while (styleOf(index) !== style || (clip.take.score.kit && clip.take.hits.length < 40))
    clip = planClip({ seed, index: ++index, seconds, sampleRateHz });
  const { label, render } = clip;
  const { values, frames, hertz } = bands(downmix(render()));
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
