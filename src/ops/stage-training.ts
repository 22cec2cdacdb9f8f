// Stage-wise training: a forward pass whose graph is cut between stages, and a backward pass that visits one stage at a time. The caller can
// all-reduce, update or free a stage's weights before earlier stages are visited.
import { NotFoundError } from "../base/errors.ts";
import type { Params } from "./params.ts";
import type { Context, Stage } from "./stage.ts";
import type { TrainingOps } from "./training-ops.ts";

export interface ChainForwardOptions {
  /** Chooses the stages whose activations are recomputed in the backward pass instead of being kept. */
  readonly recompute?: (stage: Stage) => boolean;
  /** Names of the taps on which the loss depends besides the output. */
  readonly taps?: readonly string[];
}

/** Gradients of a stage's weights by full name. Weights on which the loss does not depend are absent. */
export type StageGradients<T> = Readonly<Record<string, T>>;

export interface ChainForward<T> {
  /** A leaf from which the loss is computed; `backward` takes its gradient as seed. */
  readonly output: T;
  /** The chosen taps, as leaves. */
  readonly taps: Readonly<Record<string, T>>;
  /** Runs the backward pass from the gradients of the output and of taps, last stage first, and passes each stage's gradients to `visit`.
   *  They are freed when `visit` returns, unless it keeps them. Returns the gradient of the chain's input where that is a leaf. Call it once. */
  backward(
    seed: T | undefined,
    visit: (stage: Stage, gradients: StageGradients<T>) => void,
    tapSeeds?: Readonly<Record<string, T | undefined>>,
  ): T | undefined;
}

interface Link<T> {
  readonly stage: Stage;
  /** The stage's input as a leaf. */
  readonly input: T;
  /** The stage's output in the stage's graph; absent where it is recomputed. */
  readonly output?: T;
  readonly taps?: Readonly<Record<string, T>>;
  readonly random?: T;
}

/** Runs the forward pass of `stages` in training. `params` returns leaves for the weights that are trained. A tap that is used later must be
 *  kept as a `detach`. */
export function forwardChain<T>(
  training: TrainingOps<T>,
  stages: readonly Stage[],
  cx: Context<T>,
  params: Params<T>,
  x: T,
  options: ChainForwardOptions = {},
): ChainForward<T> {
  const lossTaps = new Set(options.taps);
  const leaves: Record<string, T> = {};
  const links: Link<T>[] = [];
  const recomputed: T[] = [];

  /** The stage's output and those of its taps that the loss depends on. All taps are also passed to the caller's `tap`. */
  const run = (stage: Stage, input: T, tap: Context<T>["tap"]) => {
    const taps: Record<string, T> = {};
    const tapped: Context<T> = {
      ...cx,
      tap: (name, value) => {
        if (lossTaps.has(name)) taps[name] = value;
        tap?.(name, value);
      },
    };
    const output = stage.run(tapped, params, input);
    tapped.tap!(stage.name, output);
    return { output, taps };
  };

  let current = x;
  for (const stage of stages) {
    const input = links.length === 0 ? x : training.leaf(current);
    const recompute = options.recompute?.(stage) ?? false;
    const random = recompute ? training.randomState() : undefined;
    // Inner tensors are freed at once: the graph holds those that the backward pass needs.
    const { output, taps } = training.tidy(() =>
      recompute ? training.noGrad(() => run(stage, input, cx.tap)) : run(stage, input, cx.tap),
    );
    for (const [name, value] of Object.entries(taps)) leaves[name] = training.leaf(value);
    links.push(recompute ? { stage, input, random: random! } : { stage, input, output, taps });
    current = output;
    if (recompute) recomputed.push(output, ...Object.values(taps));
  }
  for (const name of lossTaps) {
    if (!(name in leaves)) throw new NotFoundError(`No stage taps ${name}, on which the loss should depend.`);
  }

  const output = training.leaf(current);
  training.dispose(recomputed); // the leaves share the memory

  const backward: ChainForward<T>["backward"] = (seed, visit, tapSeeds = {}) => {
    let gradient = seed;
    for (let link = links.pop(); link !== undefined; link = links.pop()) {
      gradient = training.tidy(() => stepBack(link!, gradient, visit, tapSeeds));
    }
    return gradient;
  };

  const stepBack = (
    link: Link<T>,
    seed: T | undefined,
    visit: Parameters<typeof backward>[1],
    tapSeeds: Readonly<Record<string, T | undefined>>,
  ) => {
    const { stage, input } = link;
    let { output, taps } = link;
    if (output === undefined) {
      const now = training.randomState();
      training.setRandomState(link.random!);
      ({ output, taps } = run(stage, input, undefined));
      training.setRandomState(now);
    }
    const heads: T[] = [];
    const seeds: T[] = [];
    const addHead = (head: T, headSeed: T | undefined) => {
      if (headSeed === undefined) return;
      heads.push(head);
      seeds.push(headSeed);
    };
    addHead(output, seed);
    for (const [name, value] of Object.entries(taps!)) addHead(value, tapSeeds[name]);
    const names = Object.keys(stage.params);
    const inputs = [input, ...names.map((name) => params.get(name))];
    const [inputGradient, ...weightGradients] = heads.length === 0 ? [] : training.gradients(heads, seeds, inputs);
    const gradients: Record<string, T> = {};
    names.forEach((name, i) => {
      const gradient = weightGradients[i];
      if (gradient !== undefined) gradients[name] = gradient;
    });
    visit(stage, gradients);
    const spent = [link.output, link.random, input === x ? undefined : input];
    training.dispose(spent.filter((held) => held !== undefined));
    return inputGradient;
  };

  return { output, taps: leaves, backward };
}
