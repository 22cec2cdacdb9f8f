// Errors: every failure a user can meet has a class, says what was found, and what to do.

/** The root of all errors this library throws on purpose. Anything else is a bug. */
export class OstinatoError extends Error {
  override readonly name: string = this.constructor.name;
}

/** A file is not what it claims to be, is cut short, or breaks the rules of its format. */
export class FormatError extends OstinatoError {}

/** A checkpoint holds something this library refuses to build: a pickle that calls a function, say. */
export class UnsafeFileError extends FormatError {}

/** A tensor's shape or dtype is not the one its place asks for. */
export class ShapeError extends OstinatoError {}

/** A configuration or option has a wrong value; the message names the key. */
export class ConfigError extends OstinatoError {}

/** Something that was asked for is not there: a file, a tensor, a model, an engine. */
export class NotFoundError extends OstinatoError {}

/** Sound that can't be decoded, with the reason. */
export class AudioError extends OstinatoError {}

/** Audio too short for even one frame of the model. */
export class TooShortError extends AudioError {}

/** The network, or a hub behind it, did not deliver; the message says what lies in the cache and what to fetch by hand. */
export class HubError extends OstinatoError {}

/** The message of anything thrown, for reports that go on after a failure. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
