// Errors: every failure a user can meet has a class, a stable code, and a message that says what was found and what to do.
import { printableLines } from "./shown.ts";

/** The root of all errors that this library throws on purpose. Anything else is a bug. Messages hold no control characters but line
 *  breaks, whatever file or server they quote. */
export class OstinatoError extends Error {
  override readonly name: string = this.constructor.name;
  /** Stays the same when a message is reworded: what programs compare. */
  readonly code: string = "OSTINATO_ERROR";

  constructor(message?: string, options?: ErrorOptions) {
    super(message === undefined ? undefined : printableLines(message), options);
  }
}

/** A file is not in the format it claims, is cut short, or breaks the rules of its format. */
export class FormatError extends OstinatoError {
  override readonly code: string = "OSTINATO_FORMAT";
}

/** A checkpoint asks for something that this library refuses to build, such as a pickle that calls a function. */
export class UnsafeFileError extends FormatError {
  override readonly code: string = "OSTINATO_UNSAFE_FILE";
}

/** A tensor has another shape or dtype than required. */
export class ShapeError extends OstinatoError {
  override readonly code: string = "OSTINATO_SHAPE";
}

/** A configuration or option has a wrong value; the message names the key. */
export class ConfigError extends OstinatoError {
  override readonly code: string = "OSTINATO_CONFIG";
}

/** Something that was asked for does not exist: a file, a tensor, a model, an engine. */
export class NotFoundError extends OstinatoError {
  override readonly code: string = "OSTINATO_NOT_FOUND";
}

/** Audio that can't be decoded, with the reason. */
export class AudioError extends OstinatoError {
  override readonly code: string = "OSTINATO_AUDIO";
}

/** Audio too short for even one frame of the model. */
export class TooShortError extends AudioError {
  override readonly code: string = "OSTINATO_TOO_SHORT";
}

/** The network, or a hub behind it, did not deliver; the message says what is in the cache and what to fetch by hand. */
export class HubError extends OstinatoError {
  override readonly code: string = "OSTINATO_HUB";
}

/** The message of anything thrown, for reports that go on after a failure. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
