// Choosing an engine on machines that the tests describe: with and without GPUs, libtorch and a compiler.
import { expect, test } from "vitest";
import { ConfigError, NotFoundError } from "../base/errors.ts";
import type { Libtorch } from "../engines/torch/locate.ts";
import { chooseEngine, type EngineHost, type EngineOptions } from "./choose-engine.node.ts";

const cudaBuild: Libtorch = {
  version: "2.13.0",
  origin: "python",
  includes: [],
  libraries: "/torch/lib",
  cuda: true,
  glooHeaders: false,
  newStrings: true,
};
const cpuBuild = { ...cudaBuild, cuda: false };

interface Described {
  readonly gpus?: readonly string[];
  readonly libtorch?: Libtorch;
  /** What opening libtorch throws. */
  readonly broken?: Error;
}

/** A machine, with a record of the devices that libtorch was opened on. */
function machine({ gpus = [], libtorch, broken }: Described): EngineHost & { opened: (string | undefined)[] } {
  const opened: (string | undefined)[] = [];
  return {
    opened,
    gpus: () => gpus,
    searchLibtorch: () => ({ found: libtorch, refused: [] }),
    async openTorch({ device }) {
      opened.push(device);
      if (broken) throw broken;
      return { version: libtorch!.version, device: device ?? (gpus.length > 0 ? "cuda" : "cpu"), threads: 1 };
    },
  };
}

const chosen = async (options: EngineOptions, host: EngineHost) => (await chooseEngine(options, {}, host)).engine.name;

test("a CUDA build of libtorch without a GPU leaves float32 to ONNX Runtime, and is not opened", async () => {
  const host = machine({ libtorch: cudaBuild });
  expect(await chosen({}, host)).toBe("onnx");
  expect(await chosen({ dtype: "fp16" }, host)).toBe("onnx");
  expect(host.opened).toEqual([]);
});

test("a GPU that answers runs float32 and float16, without a device being named", async () => {
  const host = machine({ gpus: ["H200"], libtorch: cudaBuild });
  expect(await chosen({}, host)).toBe("torch");
  expect(await chosen({ dtype: "fp16" }, host)).toBe("torch");
  expect(await chosen({ engine: "torch", dtype: "fp16" }, host)).toBe("torch");
  expect(host.opened).toEqual(["cuda", "cuda", undefined]);
});

test("a GPU is not used with a CPU build, for quantised weights, or where the CPU is asked for", async () => {
  expect(await chosen({}, machine({ gpus: ["H200"], libtorch: cpuBuild }))).toBe("onnx");
  const host = machine({ gpus: ["H200"], libtorch: cudaBuild });
  expect(await chosen({ dtype: "q8" }, host)).toBe("onnx");
  expect(await chosen({ device: "cpu" }, host)).toBe("onnx");
  expect(host.opened).toEqual([]);
});

test("where libtorch can't be built or opened, auto takes ONNX Runtime and says why", async () => {
  const notices: string[] = [];
  const host = machine({ gpus: ["H200"], libtorch: cudaBuild, broken: new NotFoundError("There is no g++.") });
  expect(await chosen({ onNotice: (message) => notices.push(message) }, host)).toBe("onnx");
  expect(notices).toEqual(["The GPU can't be used, so the engine onnx runs on the CPU. There is no g++."]);
});

test("what was asked for by name is an error where it can't be had", async () => {
  const broken = machine({ gpus: ["H200"], libtorch: cudaBuild, broken: new NotFoundError("There is no g++.") });
  await expect(chosen({ device: "cuda" }, broken)).rejects.toThrow("There is no g++.");
  await expect(chosen({ engine: "torch" }, machine({}))).rejects.toThrow("No libtorch was found");
  await expect(chosen({ dtype: "bf16" }, machine({}))).rejects.toThrow(NotFoundError);
  await expect(chosen({ device: "cuda:1" }, machine({ libtorch: cpuBuild }))).rejects.toThrow(
    "The device cuda:1 needs a CUDA build of libtorch, but libtorch 2.13.0 in /torch/lib is a CPU build.",
  );
  await expect(chosen({ engine: "onnx", device: "cuda" }, machine({}))).rejects.toThrow("runs on the CPU here");
  await expect(chosen({ device: "webgpu" }, machine({}))).rejects.toThrow(ConfigError);
});

test("libtorch computes float16 on a GPU alone", async () => {
  const host = machine({ libtorch: cpuBuild });
  await expect(chosen({ engine: "torch", dtype: "fp16" }, host)).rejects.toThrow("computes fp16 on a GPU alone");
});
