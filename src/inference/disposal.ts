// Disposal: a model is released once, and says so when it is used afterwards.
import { OstinatoError } from "../base/errors.ts";
import type { Encoder } from "./encoder.ts";

/** A model was used after dispose(). */
export class DisposedError extends OstinatoError {
  override readonly code: string = "OSTINATO_DISPOSED";
}

type Calls = Pick<Encoder, "model" | "options" | "hiddenStates" | "stream" | "taps">;

export interface Disposal {
  /** The encoder with calls that reject with DisposedError after `now`. */
  guard(encoder: Encoder): Calls;
  /** Releases once no call is being computed; the second call does nothing. */
  now(): Promise<void>;
}

/** Runs `release` once, after the calls that are being computed. @param name the model's, for messages. */
export function onceDisposed(name: string, release: () => Promise<void>): Disposal {
  const running = new Set<Promise<unknown>>();
  let released: Promise<void> | undefined;
  const call = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (released) throw new DisposedError(`The model ${name} was disposed. Load it again, or dispose it after the last call.`);
    const result = work();
    running.add(result);
    try {
      return await result;
    } finally {
      running.delete(result);
    }
  };
  return {
    guard: (encoder) => ({
      model: encoder.model,
      options: encoder.options,
      hiddenStates: (...given) => call(() => encoder.hiddenStates(...given)),
      async *stream(...given) {
        const runs = encoder.stream(...given);
        try {
          for (;;) {
            const { done, value } = await call(() => runs.next());
            if (done) return;
            yield value;
          }
        } finally {
          await runs.return(undefined);
        }
      },
      taps: (...given) => call(() => encoder.taps(...given)),
    }),
    now: () => (released ??= Promise.allSettled(running).then(release)),
  };
}
