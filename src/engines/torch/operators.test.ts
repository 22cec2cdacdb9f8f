// The table of operators: TypeScript checks calls against it, and it agrees with libtorch's own schemas.
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { beforeAll, describe, expect, test } from "vitest";
import { torchMissing } from "../../../test/fixtures/torch.ts";
import { hostTensor } from "../../base/host-tensor.ts";
import { hasOperator, op, opMany, schemaOf } from "./call.ts";
import type { OperatorName } from "./operators.ts";
import { openTorch } from "./runtime.ts";
import { fromHost, type TorchTensor, tidy, toNumber } from "./tensor.ts";

test("calls are checked by the compiler", () => {
  const never = (x: TorchTensor) => {
    // @ts-expect-error the axis is missing
    op("softmax.int")(x);
    // @ts-expect-error add.Tensor takes two tensors
    op("add.Tensor")(x, 1);
    // @ts-expect-error a dtype, not any string
    op("to.dtype")(x, "float99");
    // @ts-expect-error relu takes one tensor
    op("relu")(x, x);
    // @ts-expect-error no operator of that name in the table
    op("rellu");
    // @ts-expect-error three results, not one
    op("lstm.input");
    // @ts-expect-error a tuple has no shape
    opMany("max.dim")(x, 0).shape;
  };
  expect(never).toBeTypeOf("function");
});

interface Parameter {
  readonly name: string;
  readonly type: string;
  readonly optional: boolean;
}

/** The signatures written in operators.ts, read by the compiler. */
function tableSignatures(): Map<string, Parameter[]> {
  const path = fileURLToPath(new URL("operators.ts", import.meta.url));
  const program = ts.createProgram([path], {
    strict: true,
    target: ts.ScriptTarget.ESNext,
    noEmit: true,
    allowImportingTsExtensions: true,
  });
  const checker = program.getTypeChecker();
  const signatures = new Map<string, Parameter[]>();
  for (const node of program.getSourceFile(path)!.statements.filter(ts.isInterfaceDeclaration)) {
    for (const property of checker.getTypeAtLocation(node).getProperties()) {
      const [signature] = checker.getTypeOfSymbol(property).getCallSignatures();
      const parameters = signature!.parameters.map((parameter) => {
        const declaration = parameter.valueDeclaration as ts.ParameterDeclaration;
        const type = checker.typeToString(checker.getNonNullableType(checker.getTypeOfSymbol(parameter)));
        return { name: parameter.name, type, optional: checker.isOptionalParameter(declaration) };
      });
      signatures.set(property.name, parameters);
    }
  }
  return signatures;
}

/** The arguments in a schema's text: "aten::cat(Tensor[] tensors, int dim=0) -> Tensor". */
function schemaArguments(schema: string): Parameter[] {
  const text = schema.slice(schema.indexOf("(") + 1, schema.lastIndexOf(") ->")).replace(/\([a-z]!?( -> \*)?\)/g, "");
  return text
    .split(/, (?![^[]*\])/)
    .filter((part) => part !== "*" && part !== "")
    .map((part) => {
      const [, type, name, value] = /^(\S+) (\w+)(=.*)?$/.exec(part)!;
      return { type: type!, name: name!.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()), optional: value !== undefined };
    });
}

/** The TypeScript types that may stand for an argument of a schema. */
function accepted(type: string): RegExp {
  const plain = type.replace(/\?$/, "");
  if (plain === "Tensor") return /^(Torch)?Tensor$/;
  if (plain === "Tensor[]" || plain === "Tensor?[]") return /^(Tensors|readonly (Torch)?Tensor\[\])$/;
  if (plain.includes("[")) return /^(Integers|readonly number\[\])$/;
  if (plain === "bool") return /^boolean$/;
  if (plain === "ScalarType") return /^(DType|.*"float32".*)$/;
  if (plain === "str") return /^(Fused|.*".*")$/;
  if (plain === "Device") return /^string$/;
  if (plain === "Layout") return /^never$/; // never given
  return /^number$/;
}

describe("the table and libtorch's schemas", { skip: torchMissing !== undefined }, () => {
  beforeAll(async () => void (await openTorch({ device: "cpu", threads: 1 })));

  test("agree on the order, names and types of arguments, and on which have no default", () => {
    const table = tableSignatures();
    expect(table.size).toBeGreaterThan(60);
    const known = [...table].filter(([name]) => hasOperator(name as OperatorName, "cpu"));
    expect(known.length).toBeGreaterThan(60);
    for (const [name, parameters] of known) {
      const schema = schemaOf(name as OperatorName);
      const args = schemaArguments(schema);
      parameters.forEach((parameter, i) => {
        expect(parameter.name, schema).toBe(args[i]?.name);
        expect(parameter.type, `${parameter.name} of ${schema}`).toMatch(accepted(args[i]!.type));
        if (parameter.optional) expect(args[i]!.optional, `${parameter.name} of ${schema} has a default`).toBe(true);
      });
      const rest = args.slice(parameters.length).filter((argument) => !argument.optional);
      expect(rest, `${schema}: arguments without a default`).toEqual([]);
    }
  });

  test("an operator is there for a device where it has a kernel, not where it is only declared", () => {
    expect(schemaOf("cudnn_convolution" as OperatorName)).toContain("aten::cudnn_convolution(");
    expect(hasOperator("cudnn_convolution" as OperatorName, "cpu")).toBe(false);
    expect(hasOperator("no_such_thing" as OperatorName, "cpu")).toBe(false);
    expect(["relu", "matmul", "copy_"].map((name) => hasOperator(name as OperatorName, "cpu"))).toEqual([true, true, true]);
  });

  test("an operator of several results gives each of them", () => {
    tidy(() => {
      const [values, indices] = opMany("max.dim")(fromHost(hostTensor(Float32Array.of(3, 9, 4), [3])), 0);
      expect([toNumber(values), toNumber(indices)]).toEqual([9, 1]);
    });
  });
});
