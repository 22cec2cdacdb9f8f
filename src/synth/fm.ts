// Frequency modulation (Chowning 1973), with a depth that decays after the attack: electric pianos, brass, bells.
import { exp2 } from "./exact-math.ts";
import { type Envelope, noteLength, shape, sineTable, tableSine, type Voice } from "./voice.ts";
import type { Vibrato } from "./wavetable.ts";

export interface FmOptions {
  /** The modulator's frequency over the carrier's. */
  readonly ratio: number;
  /** Modulation depth in turns at full velocity: at the attack, and after the decay. */
  readonly depth: number;
  readonly restDepth: number;
  /** Decay time of the depth, and the time in which it first rises (brass), in seconds. */
  readonly fallSeconds: number;
  readonly riseSeconds: number;
  /** A second, quiet carrier at a higher frequency ratio: the tine of an electric piano, the strike tone of a bell. */
  readonly tineRatio: number;
  readonly tineGain: number;
  readonly envelope: Envelope;
  readonly vibrato: Vibrato;
}

export function fmVoice({ ratio, depth, restDepth, fallSeconds, riseSeconds, tineRatio, tineGain, envelope, vibrato }: FmOptions): Voice {
  return (out, { hertz, seconds, velocity, rng }, sampleRateHz) => {
    const length = noteLength(out, seconds, envelope.release, sampleRateHz);
    // Limits the depth of high notes, whose sidebands would alias.
    const limit = Math.max(0.02, (0.4 * sampleRateHz - hertz) / (hertz * Math.max(1, ratio)) / 8);
    const force = 0.3 + 0.7 * velocity;
    const [peak, rest] = [Math.min(limit, depth * force), Math.min(limit, restDepth * force)];
    const fall = exp2(-32 / (fallSeconds * sampleRateHz * 0.5));
    const tine = tineRatio * hertz < 0.45 * sampleRateHz ? tineGain * velocity : 0;
    let [carrier, modulator, high] = [rng(), rng(), rng()];
    let excess = 1;
    for (let at = 0; at < length; at += 32) {
      const now = at / sampleRateHz;
      const sway = vibrato.cents * Math.min(1, Math.max(0, (now - vibrato.delaySeconds) / 0.3));
      const step = (hertz / sampleRateHz) * (sway === 0 ? 1 : 1 + (sway / 1731.234) * tableSine(now * vibrato.hertz));
      const opened = riseSeconds === 0 ? 1 : Math.min(1, now / riseSeconds);
      const bend = opened * (rest + (peak - rest) * excess);
      const end = Math.min(length, at + 32);
      for (let i = at; i < end; i++) {
        const turns = carrier + bend * sineTable[(modulator * 4096) | 0]! + 8;
        out[i] = sineTable[((turns - Math.floor(turns)) * 4096) | 0]! + tine * excess * sineTable[(high * 4096) | 0]!;
        carrier += step;
        if (carrier >= 1) carrier -= 1;
        modulator += step * ratio;
        modulator -= Math.floor(modulator);
        high += step * tineRatio;
        high -= Math.floor(high);
      }
      excess *= fall;
    }
    shape(out, length, envelope, seconds, sampleRateHz);
    return length;
  };
}
