// Checks before a quantised model is prepared: whether this machine's 8-bit products saturate, and whether one layer agrees with float32.
import { OstinatoError } from "../../base/errors.ts";
import { hostTensor, toFloat32 } from "../../base/host-tensor.ts";
import { fillGaussian, seeded } from "../../base/random.ts";
import type { Engine, Program, Session, WeightReader } from "../../ops/program.ts";
import type { TraceOptions } from "./trace.ts";
import type { OnnxDtype } from "./weight-forms.ts";

/** Prepares a program as the options say. */
export type Prepare = (program: Program, weights: WeightReader, options: TraceOptions) => Promise<Session>;

/** The largest error of a layer, relative to the norm of its output in float32. Rounding alone gives 1 to 3 % in 8 bits, up to 12 % in 4. */
const tolerances: Partial<Record<OnnxDtype, number>> = { q8: 0.1, q4: 0.3 };

/** `Engine.prepare` for a dtype. In q8 and q4 the first call finds out how this machine multiplies, and compares the program's first linear
 *  layer with float32. @throws OstinatoError when that layer is wrong. */
export function checkedPrepare(dtype: OnnxDtype, prepare: Prepare): Engine["prepare"] {
  const tolerance = tolerances[dtype];
  if (tolerance === undefined) return (program, weights) => prepare(program, weights, { dtype });
  let saturating: Promise<boolean> | undefined;
  let checked = false;
  return async (program, weights) => {
    saturating ??= productsSaturate(prepare);
    const options = { dtype, saturating: await saturating };
    const layer = checked
      ? undefined
      : Object.entries(program.params).find(([, { shape }]) => shape.length === 2 && Math.min(...shape) >= 8);
    if (layer) {
      checked = true;
      await checkLayer(layer[0], layer[1].shape as [number, number], weights, (...args) => prepare(...args, options), tolerance);
    }
    return prepare(program, weights, options);
  };
}

/** Whether sums of two products of uint8 and int8 saturate in 16 bits. x86 without VNNI does so (VPMADDUBSW), and has no error for it. The
 *  answer comes from a product of the largest numbers, since the CPU's flags can't be read on every platform. */
export async function productsSaturate(prepare: Prepare): Promise<boolean> {
  const [rows, inputs, outputs] = [16, 64, 32];
  const ones = { read: async () => hostTensor(new Float32Array(outputs * inputs).fill(1), [outputs, inputs]) };
  const session = await prepare(linearProgram("weight", [outputs, inputs]), ones, { dtype: "q8", saturating: false });
  try {
    const { y } = await session.run({ x: hostTensor(new Float32Array(rows * inputs).fill(1), [1, rows, inputs]) });
    return toFloat32(y!).some((value) => Math.abs(value - inputs) > 0.01 * inputs);
  } finally {
    await session.dispose();
  }
}

async function checkLayer(
  name: string,
  [outputs, inputs]: readonly [number, number],
  weights: WeightReader,
  prepare: Engine["prepare"],
  tolerance: number,
): Promise<void> {
  const rows = 4;
  const x = fillGaussian(seeded(1), new Float32Array(rows * inputs), 1);
  const session = await prepare(linearProgram(name, [outputs, inputs]), weights);
  const { y } = await session.run({ x: hostTensor(x, [1, rows, inputs]) }).finally(() => session.dispose());
  const actual = toFloat32(y!);
  const matrix = toFloat32(await weights.read(name));
  let [error, norm] = [0, 0];
  for (let i = 0; i < actual.length; i++) {
    const [row, output] = [Math.floor(i / outputs), i % outputs];
    let exact = 0;
    for (let k = 0; k < inputs; k++) exact += x[row * inputs + k]! * matrix[output * inputs + k]!;
    error += (actual[i]! - exact) ** 2;
    norm += exact ** 2;
  }
  const relative = Math.sqrt(error / norm);
  if (norm === 0 || relative <= tolerance) return;
  throw new OstinatoError(
    `Quantised products are wrong on this machine: ${name} differs from float32 by ${(100 * relative).toPrecision(3)} % of its norm, at most ${100 * tolerance} % is rounding. Use dtype fp32 here.`,
  );
}

/** x [batch, frames, inputs] times a weight [outputs, inputs]. */
function linearProgram(weight: string, [outputs, inputs]: readonly [number, number]): Program {
  return {
    name: `linear ${weight}`,
    inputs: { x: { dtype: "float32", shape: ["batch", "frames", inputs] } },
    params: { [weight]: { shape: [outputs, inputs], init: { constant: 0 } } },
    run: (ops, params, { x }) => ({ y: ops.linear(x!, params.get(weight), undefined) }),
  };
}
