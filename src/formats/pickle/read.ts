// Reading pickles as data: values are built, names are checked against a list, and nothing is ever executed.
import { Machine, type PickleRules } from "./machine.ts";
import { operations, stop } from "./opcodes.ts";
import type { PickleValue } from "./values.ts";

/** Limit of the pickle within a checkpoint, which does not contain the tensors. */
export const maxPickleBytes = 2 ** 26;

/** The value of the pickle that begins at byte `start`, and its end.
 *  Memory and time are bounded by the length of the bytes and a fixed budget, whatever their content.
 *  @throws UnsafeFileError when it names a class or function that the rules don't allow;
 *  @throws PickleEndError when the bytes end before it does; @throws FormatError when it is corrupt. */
export function readPickle(bytes: Uint8Array, rules: PickleRules, name: string, start = 0): { value: PickleValue; end: number } {
  const machine = new Machine(bytes, start, name, rules);
  for (;;) {
    machine.spend(1);
    const code = machine.uint8();
    if (code === stop) return { value: machine.pop(), end: machine.at };
    const operation = operations[code];
    if (!operation) machine.fail(`it holds the unknown operation 0x${code.toString(16)}`);
    else operation(machine);
  }
}
