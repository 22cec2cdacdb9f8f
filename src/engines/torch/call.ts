// Calls: operators of libtorch as functions, found by name at their first use.
import { NotFoundError } from "../../base/errors.ts";
import { addon, type Handle, type NativeResult, type NativeValue } from "./addon.ts";
import { TorchTensor } from "./tensor.ts";

/** What an operator takes: its schema says what each argument becomes. Undefined stands for the schema's default; a string names a
 *  dtype, a memory format or a device where the schema asks for one. */
export type Argument = TorchTensor | number | boolean | string | null | undefined | readonly (TorchTensor | number | boolean | null)[];

function split(name: string): [name: string, overload: string] {
  const [space, rest] = name.includes("::") ? (name.split("::") as [string, string]) : ["aten", name];
  const dot = rest.indexOf(".");
  return dot < 0 ? [`${space}::${rest}`, ""] : [`${space}::${rest.slice(0, dot)}`, rest.slice(dot + 1)];
}

/** Whether this libtorch has an operator, as in `hasOperator("scaled_dot_product_attention")`; with `argument`, whether its schema names it. */
export function hasOperator(name: string, argument?: string): boolean {
  const index = addon().findOperator(...split(name));
  return index >= 0 && (argument === undefined || new RegExp(`\\b${argument}\\b`).test(addon().schemaOf(index)));
}

/** The operator's signature. @throws NotFoundError where this libtorch has none of that name. */
export function schemaOf(name: string): string {
  return addon().schemaOf(resolve(name));
}

function resolve(name: string): number {
  const index = addon().findOperator(...split(name));
  if (index < 0) throw new NotFoundError(`libtorch ${addon().build().version} has no operator ${name}.`);
  return index;
}

function toNative(argument: Argument): NativeValue {
  if (argument instanceof TorchTensor) return argument.handle;
  if (!Array.isArray(argument)) return argument as NativeValue;
  return (argument as readonly (TorchTensor | number | boolean | null)[]).map((item) => (item instanceof TorchTensor ? item.handle : item));
}

/** An operator of one result, by name and overload: `const add = op("add.Tensor")`. The namespace is aten unless named. */
export function op(name: string): (...args: Argument[]) => TorchTensor {
  let index = -1;
  return (...args) => {
    if (index < 0) index = resolve(name);
    for (let i = 0; i < args.length; i++) args[i] = toNative(args[i]) as Argument;
    return new TorchTensor(addon().invoke(index, ...(args as NativeValue[])) as Handle);
  };
}

/** An operator of several tensors: a tuple or a list. Undefined ones are null. */
export function opMany(name: string): (...args: Argument[]) => (TorchTensor | null)[] {
  let index = -1;
  return (...args) => {
    if (index < 0) index = resolve(name);
    const results = addon().invoke(index, ...args.map(toNative)) as NativeResult[];
    return results.map((result) => (result === null ? null : new TorchTensor(result as Handle)));
  };
}

/** An operator called for its effect on its first argument. */
export function effect(name: string): (...args: Argument[]) => void {
  let index = -1;
  return (...args) => {
    if (index < 0) index = resolve(name);
    addon().perform(index, ...args.map(toNative));
  };
}
