// Stage-wise training: a chain run forward with its graph cut at every stage edge, and walked backward a stage at a time. Whoever walks
// may all-reduce, update or free a stage's weights while earlier stages still wait.
import { NotFoundError } from "../base/errors.ts";
import type { Params } from "./params.ts";
import type { Context, Stage } from "./stage.ts";
import type { TrainingOps } from "./training-ops.ts";

export interface ChainForwardOptions {
  /** Stages whose inner activations are not kept but computed again on the way back. */
  readonly recompute?: (stage: Stage) => boolean;
  /** Taps on which the loss depends beside the chain's output, by name. */
  readonly taps?: readonly string[];
}

/** Gradients of a stage's weights by full name; weights without influence are absent. */
export type StageGradients<T> = Readonly<Record<string, T>>;

export interface ChainForward<T> {
  /** A leaf: the loss is computed from it, and its gradient seeds `backward`. */
  readonly output: T;
  /** The tapped values asked for, as leaves. */
  readonly taps: Readonly<Record<string, T>>;
  /** Walks back from the gradient of the output (and of taps), last stage first, and tells each stage's gradients.
   *  Tensors told to `visit` are freed when it returns unless kept. Gives the gradient of the chain's input where that was a leaf. Once. */
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
  /** Its output, at the head of the stage's own graph; absent where it is to be recomputed. */
  readonly output?: T;
  readonly taps?: Readonly<Record<string, T>>;
  readonly random?: T;
}

/** Runs `stages` forward in training. `params` give leaves for the weights that train. Who wants a tapped value later keeps a `detach` of it. */
export function forwardChain<T>(
  training: TrainingOps<T>,
  stages: readonly Stage[],
  cx: Context<T>,
  params: Params<T>,
  x: T,
  options: ChainForwardOptions = {},
): ChainForward<T> {
  const wanted = new Set(options.taps);
  const leaves: Record<string, T> = {};
  const links: Link<T>[] = [];
  const recomputed: T[] = [];

  /** The stage's output and the wanted ones of its taps; other taps pass to the caller's own. */
  const run = (stage: Stage, input: T, tap: Context<T>["tap"]) => {
    const taps: Record<string, T> = {};
    const tapped: Context<T> = {
      ...cx,
      tap: (name, value) => {
        if (wanted.has(name)) taps[name] = value;
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
    const again = options.recompute?.(stage) ?? false;
    const random = again ? training.randomState() : undefined;
    // Inner tensors go at once: what the way back needs of them, the graph itself holds.
    const { output, taps } = training.tidy(() => (again ? training.noGrad(() => run(stage, input, cx.tap)) : run(stage, input, cx.tap)));
    for (const [name, value] of Object.entries(taps)) leaves[name] = training.leaf(value);
    links.push(again ? { stage, input, random: random! } : { stage, input, output, taps });
    current = output;
    if (again) recomputed.push(output, ...Object.values(taps));
  }
  for (const name of wanted) {
    if (!(name in leaves)) throw new NotFoundError(`No stage taps ${name}, on which a loss should depend.`);
  }

  const output = training.leaf(current);
  training.dispose(recomputed); // the leaves share their memory

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
    const seeded = (head: T, its: T | undefined) => {
      if (its === undefined) return;
      heads.push(head);
      seeds.push(its);
    };
    seeded(output, seed);
    for (const [name, value] of Object.entries(taps!)) seeded(value, tapSeeds[name]);
    const names = Object.keys(stage.params);
    const inputs = [input, ...names.map((name) => params.get(name))];
    const found = heads.length === 0 ? [] : training.gradients(heads, seeds, inputs);
    const gradients: Record<string, T> = {};
    names.forEach((name, i) => {
      const its = found[i + 1];
      if (its !== undefined) gradients[name] = its;
    });
    visit(stage, gradients);
    const spent = [link.output, link.random, input === x ? undefined : input];
    training.dispose(spent.filter((held) => held !== undefined));
    return found[0];
  };

  return { output, taps: leaves, backward };
}
