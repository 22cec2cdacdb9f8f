// Calls: operators of libtorch as functions, looked up by name when first called.
import { NotFoundError } from "../../base/errors.ts";
import { addon, type Handle, type NativeResult, type NativeValue } from "./addon.ts";
import type { InPlaceOperators, ListOperators, OperatorName, TensorOperators } from "./operators.ts";
import { TorchTensor } from "./tensor.ts";

/** Splits "add.Tensor" into the full name "aten::add" and the overload "Tensor". */
function split(name: string): [name: string, overload: string] {
  const [space, rest] = name.includes("::") ? (name.split("::") as [string, string]) : ["aten", name];
  const dot = rest.indexOf(".");
  return dot < 0 ? [`${space}::${rest}`, ""] : [`${space}::${rest.slice(0, dot)}`, rest.slice(dot + 1)];
}

/** Whether this libtorch implements an operator for a device. That it declares one says little: libtorch 2.0 to 2.3 declare
 *  `_fused_adamw_` for every device and implement it for GPUs alone. */
export function hasOperator(name: OperatorName, device: string): boolean {
  const index = addon().findOperator(...split(name));
  return index >= 0 && addon().hasKernel(index, device);
}

/** The operator's signature as libtorch writes it. @throws NotFoundError where this libtorch has none of that name. */
export function schemaOf(name: OperatorName): string {
  return addon().schemaOf(resolve(name));
}

function resolve(name: string): number {
  const index = addon().findOperator(...split(name));
  if (index < 0) throw new NotFoundError(`libtorch ${addon().build().version} has no operator ${name}.`);
  return index;
}

/** What the table's signatures let through; the addon converts each argument as the operator's schema says. */
type Argument = TorchTensor | number | boolean | string | undefined | readonly (TorchTensor | number)[];

function toNative(argument: Argument): NativeValue {
  if (argument instanceof TorchTensor) return argument.handle;
  if (!Array.isArray(argument)) return argument as NativeValue;
  return (argument as readonly (TorchTensor | number)[]).map((item) => (item instanceof TorchTensor ? item.handle : item));
}

/** An operator whose result is one tensor, by name and overload: `const add = op("add.Tensor")`. */
export function op<Name extends keyof TensorOperators>(name: Name): TensorOperators[Name] {
  let index = -1;
  const call = (...args: Argument[]): TorchTensor => {
    if (index < 0) index = resolve(name);
    for (let i = 0; i < args.length; i++) args[i] = toNative(args[i]) as Argument; // in place: this is the hottest path
    return new TorchTensor(addon().invoke(index, ...(args as NativeValue[])) as Handle);
  };
  return call as TensorOperators[Name];
}

/** An operator whose result is a tuple or a list of tensors. */
export function opMany<Name extends keyof ListOperators>(name: Name): ListOperators[Name] {
  let index = -1;
  const call = (...args: Argument[]): TorchTensor[] => {
    if (index < 0) index = resolve(name);
    const results = addon().invoke(index, ...args.map(toNative)) as NativeResult[];
    return results.map((result) => new TorchTensor(result as Handle));
  };
  return call as ListOperators[Name];
}

/** An operator that changes its first argument in place. */
export function effect<Name extends keyof InPlaceOperators>(name: Name): InPlaceOperators[Name] {
  let index = -1;
  const call = (...args: Argument[]): void => {
    if (index < 0) index = resolve(name);
    addon().perform(index, ...args.map(toNative));
  };
  return call as InPlaceOperators[Name];
}
