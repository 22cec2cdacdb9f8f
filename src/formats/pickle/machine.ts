// The state of the pickle machine: a cursor over the bytes, a stack with marks, a memo, and budgets that bound the work a small file can cause.
import { FormatError, UnsafeFileError } from "../../base/errors.ts";
import { printable } from "../../base/shown.ts";
import { isName, type PickleName, type PickleValue, pickleObject } from "./values.ts";

/** Which classes and functions a pickle may name, and the values of their calls. */
export interface PickleRules {
  /** Names whose calls have a value, computed from the arguments. */
  readonly makers: ReadonlyMap<string, Maker>;
  /** Names that are allowed as values; a call of one becomes an inert object. All others are refused. */
  isHarmless(name: string): boolean;
  /** The value of a persistent id, by which torch refers to storages. */
  persistent?(id: PickleValue, fail: Fail): PickleValue;
}

/** From the arguments of a call to its value. `fail` throws an error with the file and the position. */
export type Maker = (args: readonly PickleValue[], fail: Fail) => PickleValue;
export type Fail = (reason: string) => never;

/** The bytes end before the pickle does. The caller may read more. */
export class PickleEndError extends FormatError {
  override readonly code: string = "OSTINATO_PICKLE_END";
}

// A checkpoint with its optimiser takes about 50 operations per tensor. Each operation makes at most one small object.
const maxOperations = 8_000_000;
const maxContainers = 1_000_000;

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

export class Machine {
  at: number;
  readonly stack: PickleValue[] = [];
  readonly memo = new Map<number, PickleValue>();
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly name: string;
  private readonly rules: PickleRules;
  private readonly marks: number[] = [];
  private operations = 0;
  private containers = 0;

  constructor(bytes: Uint8Array, start: number, name: string, rules: PickleRules) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = start;
    this.name = name;
    this.rules = rules;
  }

  readonly fail: Fail = (reason) => {
    throw new FormatError(`The pickle in ${this.name} can't be read at byte ${this.at}: ${reason}.`);
  };

  /** Counts work against the budget. */
  spend(operations: number): void {
    this.operations += operations;
    if (this.operations > maxOperations) this.fail(`it takes more than ${maxOperations} operations, which no checkpoint needs`);
  }

  // The cursor

  /** Advances by `length` bytes and returns where they began. */
  skip(length: number): number {
    const start = this.at;
    if (length > this.bytes.length - start)
      throw new PickleEndError(`The pickle in ${this.name} is cut short at byte ${this.bytes.length}.`);
    this.at += length;
    return start;
  }
  uint8 = () => this.view.getUint8(this.skip(1));
  uint16 = () => this.view.getUint16(this.skip(2), true);
  int32 = () => this.view.getInt32(this.skip(4), true);
  uint32 = () => this.view.getUint32(this.skip(4), true);
  uint64 = () => Number(this.view.getBigUint64(this.skip(8), true));
  float64 = () => this.view.getFloat64(this.skip(8), false);
  take(length: number): Uint8Array {
    const start = this.skip(length);
    return this.bytes.subarray(start, start + length);
  }
  text(length: number): string {
    return utf8.decode(this.take(length));
  }
  /** Text up to the end of the line. */
  line(): string {
    const end = this.bytes.indexOf(10, this.at);
    const text = this.text((end < 0 ? this.bytes.length : end) - this.at);
    this.skip(1);
    return text;
  }

  // The stack

  push(value: PickleValue): void {
    this.stack.push(value);
  }
  pop(): PickleValue {
    this.needs(1);
    return this.stack.pop()!;
  }
  top(): PickleValue {
    this.needs(1);
    return this.stack.at(-1)!;
  }
  /** Pops the last `count` values. */
  popMany(count: number): PickleValue[] {
    this.needs(count);
    this.spend(count);
    return this.stack.splice(this.stack.length - count, count);
  }
  mark(): void {
    this.marks.push(this.stack.length);
  }
  hasOpenMark(): boolean {
    return this.marks.at(-1) === this.stack.length;
  }
  /** Pops all values since the last mark, and the mark. */
  popMark(): PickleValue[] {
    const start = this.marks.pop() ?? this.fail("it closes a group that it never opened");
    this.spend(this.stack.length - start);
    return this.stack.splice(start);
  }
  private needs(count: number): void {
    if (this.stack.length - count < (this.marks.at(-1) ?? 0)) this.fail("it takes more values than it made");
  }

  // Construction

  /** A new container, counted against the budget. */
  contain<T extends PickleValue>(container: T): T {
    if (++this.containers > maxContainers) this.fail(`it makes more than ${maxContainers} containers, which no checkpoint needs`);
    return container;
  }
  /** A class or function by name. @throws UnsafeFileError when it is not on the list of allowed names. */
  global(module: string, name: string): PickleName {
    const full = `${renamedModules.get(module) ?? module}.${name}`;
    if (!this.rules.makers.has(full) && !this.rules.isHarmless(full)) {
      throw new UnsafeFileError(
        `${this.name} asks for ${printable(full, 200)}, which is not on the list of what a checkpoint may hold. Nothing was run. ` +
          "If you trust the file, open it with the program that made it and save its state_dict() as safetensors.",
      );
    }
    return this.contain({ kind: "name", name: full });
  }
  /** The value of a call: by a rule if there is one, else an inert object. Nothing is ever executed. */
  call(callee: PickleValue, args: PickleValue): PickleValue {
    if (!isName(callee)) return this.fail("it calls what is no class or function");
    if (!Array.isArray(args)) return this.fail(`it calls ${printable(callee.name)} without a tuple of arguments`);
    // A rule may copy its argument, which counts as work.
    for (const arg of args.slice(0, 4)) if (Array.isArray(arg)) this.spend(arg.length);
    const maker = this.rules.makers.get(callee.name);
    return this.contain<PickleValue>(maker ? maker(args, this.fail) : pickleObject(callee.name, args));
  }
  persistent(id: PickleValue): PickleValue {
    return this.contain(this.rules.persistent?.(id, this.fail) ?? this.fail("it holds a persistent id outside of a torch file"));
  }
}

/** Modules that have other names in Python 2 or in newer versions of libraries. */
const renamedModules = new Map([
  ["__builtin__", "builtins"],
  ["copy_reg", "copyreg"],
  ["numpy._core.multiarray", "numpy.core.multiarray"],
  ["numpy._core.numeric", "numpy.core.numeric"],
  ["torch.cuda", "torch"],
]);
