// Names for the tensors of a nested checkpoint: the keys of the path to each, joined by dots.
import { FormatError } from "../../base/errors.ts";
import { printable } from "../../base/shown.ts";
import type { PickleValue } from "../pickle/values.ts";
import { isTensor, type TorchTensor } from "./tensors.ts";

const maxDepth = 64;
const maxVisits = 4_000_000;
/** Limit of the length of all names together; those of real checkpoints take a few megabytes. */
const maxNameCharacters = 2 ** 25;

/** Every tensor within dicts and lists, by its dotted name, in the order of the file: `model.encoder.layers.0.fc1.weight`.
 *  A single tensor is named "tensor". Inert objects are not searched.
 *  @throws FormatError when two tensors have the same name, or the nesting, number or names of values exceed what checkpoints need. */
export function flattenTensors(root: PickleValue, fileName: string): Map<string, TorchTensor> {
  const tensors = new Map<string, TorchTensor>();
  const pending: { value: PickleValue; name: string; depth: number }[] = [{ value: root, name: "", depth: 0 }];
  let visits = 0;
  let nameCharacters = 0;
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { value, name, depth } = next;
    if (isTensor(value)) {
      if (tensors.has(name)) throw new FormatError(`${fileName} has two tensors named ${printable(name)}.`);
      tensors.set(name || "tensor", value);
      continue;
    }
    const children = childrenOf(value);
    visits += children.length;
    if (depth > maxDepth) throw new FormatError(`${fileName} nests its values more than ${maxDepth} deep: it is corrupt or hostile.`);
    if (visits > maxVisits) throw new FormatError(`${fileName} unfolds to more than ${maxVisits} values: it is corrupt or hostile.`);
    // The stack is last in, first out, so values are pushed from the end.
    for (const [key, child] of children.reverse()) {
      if (typeof child !== "object" || child === null) continue;
      nameCharacters += name.length + key.length + 1;
      if (nameCharacters > maxNameCharacters) {
        throw new FormatError(`${fileName} gives its values names of more than ${maxNameCharacters} characters: it is corrupt or hostile.`);
      }
      pending.push({ value: child, name: name ? `${name}.${key}` : key, depth: depth + 1 });
    }
  }
  return tensors;
}

function childrenOf(value: PickleValue): [string, PickleValue][] {
  if (Array.isArray(value)) return value.map((child, i) => [String(i), child]);
  if (!(value instanceof Map)) return [];
  const named: [string, PickleValue][] = [];
  for (const [key, child] of value) {
    if (typeof key === "string" || typeof key === "number" || typeof key === "bigint") named.push([String(key), child]);
  }
  return named;
}
