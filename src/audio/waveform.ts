// Waveform: sampled audio, the value that every other room receives.

/** Sampled audio. Each channel holds the same number of samples, nominally -1…1; louder samples are kept, not clipped. */
export interface Waveform {
  readonly sampleRateHz: number;
  readonly channels: Float32Array[];
}

/** Samples per channel. */
export function sampleCount(waveform: Waveform): number {
  return waveform.channels[0]?.length ?? 0;
}

/** Length in seconds. */
export function durationSeconds(waveform: Waveform): number {
  return sampleCount(waveform) / waveform.sampleRateHz;
}

/** The mean of the channels: [samples]. A single channel is returned itself, not a copy. */
export function downmix({ channels }: Pick<Waveform, "channels">): Float32Array {
  const first = channels[0] ?? new Float32Array(0);
  if (channels.length < 2) return first;
  const mono = new Float32Array(first.length);
  const second = channels[1]!;
  if (channels.length === 2) {
    for (let i = 0; i < mono.length; i++) mono[i] = (first[i]! + second[i]!) / 2;
    return mono;
  }
  for (let i = 0; i < mono.length; i++) {
    let sum = 0;
    for (const channel of channels) sum += channel[i]!;
    mono[i] = sum / channels.length;
  }
  return mono;
}

/** The largest magnitude over all channels; 0 for no samples. */
export function peak({ channels }: Pick<Waveform, "channels">): number {
  let largest = 0;
  for (const channel of channels) {
    for (let i = 0; i < channel.length; i++) {
      const magnitude = Math.abs(channel[i]!);
      if (magnitude > largest) largest = magnitude;
    }
  }
  return largest;
}

/** True when nothing is louder than `floor`. The default, -96 dB, is the lowest bit of 16-bit audio. */
export function isSilent(waveform: Pick<Waveform, "channels">, floor = 2 ** -15): boolean {
  return peak(waveform) <= floor;
}

/** Concatenates runs of samples: [total samples]. */
export function concatSamples(parts: readonly Float32Array[]): Float32Array {
  if (parts.length === 1) return parts[0]!;
  const whole = new Float32Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
