// Faults: the reasons why a file can not be decoded.
import { AudioError } from "../base/errors.ts";

/** empty: no bytes or no samples. not-audio: text, a picture. corrupt: nothing usable in it. unsupported: audio in a
 *  format that needs ffmpeg or is unknown. protected: DRM. crashed: the decoder trapped or hung on it. */
export type AudioFault = "empty" | "not-audio" | "corrupt" | "unsupported" | "protected" | "crashed";

/** A file that can't be decoded. The message says which file, what was found in it, and what to do. */
export class UnreadableAudioError extends AudioError {
  override readonly code: string = "OSTINATO_UNREADABLE_AUDIO";
  readonly fault: AudioFault;
  constructor(fault: AudioFault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.fault = fault;
  }
}

/** Seconds for a message: 3.2 s. */
export function inSeconds(samples: number, sampleRateHz: number): string {
  return `${Number((samples / sampleRateHz).toFixed(2))} s`;
}
