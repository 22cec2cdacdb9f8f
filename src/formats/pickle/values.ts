// Values of pickles: plain data, with names and inert records in the place of Python's classes and objects.

/** Any value that is read from a pickle. Dicts are Maps, so that no key can reach a prototype; tuples and lists are arrays. */
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

/** A value that is not plain, distinguished by `kind`. Rules may define further kinds, such as tensors. */
export interface PickleMade {
  readonly kind: string;
}

/** The name of a class or function: `torch.float32`. */
export interface PickleName extends PickleMade {
  readonly kind: "name";
  readonly name: string;
}

/** An object that is described but never constructed. */
export interface PickleObject extends PickleMade {
  readonly kind: "object";
  /** Its class, or the function that constructs it. */
  readonly class: string;
  readonly args: readonly PickleValue[];
  /** Its attributes, usually a dict. */
  state: PickleValue;
  /** The items, where the class derives from list or dict. */
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
