// Errors that crossed a thread get their class back.
import {
  AudioError,
  ConfigError,
  FormatError,
  HubError,
  NotFoundError,
  OstinatoError,
  ShapeError,
  TooShortError,
  UnsafeFileError,
} from "../base/errors.ts";

const classes = [AudioError, ConfigError, FormatError, HubError, NotFoundError, ShapeError, TooShortError, UnsafeFileError];

/** The error that a thread threw, from its plain fields. An error of another class keeps its name. */
export function reviveError({ name, message, ...fields }: { readonly name: string; readonly message: string }): Error {
  const Class = classes.find((candidate) => candidate.name === name);
  return Class ? Object.assign(new Class(message), fields) : Object.assign(new OstinatoError(message), fields, { name });
}
