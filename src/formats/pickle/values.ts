// Values out of pickles: plain data, with names and inert records where Python would have had classes and objects.

/** Anything a pickle can hold here. Dicts are Maps, so that no key can reach a prototype; tuples and lists are arrays. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | PickleDict
  | Set<PickleValue>
  | PickleName
  | PickleObject
  | PickleMade;

export type PickleDict = Map<PickleValue, PickleValue>;

/** What is no plain value: told apart by `kind`. Rules of one's own may make further kinds (a tensor, say). */
export interface PickleMade {
  readonly kind: string;
}

/** A class or function, by name alone: `torch.float32`. */
export interface PickleName extends PickleMade {
  readonly kind: "name";
  readonly name: string;
}

/** An object that was described but never built. */
export interface PickleObject extends PickleMade {
  readonly kind: "object";
  /** Its class, or the function that would have made it. */
  readonly class: string;
  readonly args: readonly PickleValue[];
  /** Its attributes, mostly a dict. */
  state: PickleValue;
  /** Where the class derives from list or dict: what was put into it. */
  readonly items: PickleValue[];
  readonly entries: PickleDict;
}

export function pickleObject(className: string, args: readonly PickleValue[]): PickleObject {
  return { kind: "object", class: className, args, state: null, items: [], entries: new Map() };
}

export function isMade(value: PickleValue | undefined): value is PickleMade {
  return typeof value === "object" && value !== null && "kind" in value;
}

export function isName(value: PickleValue | undefined): value is PickleName {
  return isMade(value) && value.kind === "name";
}

export function isObject(value: PickleValue | undefined): value is PickleObject {
  return isMade(value) && value.kind === "object";
}
