// Learners: nearest neighbours and linear models of a few lines, and their scores.
import { deviation, mean } from "./synth-listener.ts";

/** Rows of features and what is to be learned of each: a class or a number. */
export interface Table {
  readonly x: number[][];
  readonly y: number[];
}

/** Both tables standardised by the mean and deviation of the first. */
export function standardised(train: Table, test: Table): [Table, Table] {
  const columns = train.x[0]!.map((_, c) => train.x.map((row) => row[c]!));
  const [means, spreads] = [columns.map(mean), columns.map((column) => deviation(column) || 1)];
  const scale = (table: Table) => ({ ...table, x: table.x.map((row) => row.map((value, c) => (value - means[c]!) / spreads[c]!)) });
  return [scale(train), scale(test)];
}

/** Accuracy of a vote of the `k` nearest neighbours. */
export function neighboursAccuracy(train: Table, test: Table, k = 15): number {
  const right = test.x.filter((row, i) => {
    const votes = new Map<number, number>();
    for (const j of nearestRows(train, row, k)) votes.set(train.y[j]!, (votes.get(train.y[j]!) ?? 0) + 1);
    return [...votes].sort((a, b) => b[1] - a[1])[0]![0] === test.y[i];
  });
  return right.length / test.x.length;
}

/** R² of the mean of the `k` nearest neighbours. */
export function neighboursR2(train: Table, test: Table, k = 15): number {
  return r2(
    test.x.map((row) => mean(nearestRows(train, row, k).map((j) => train.y[j]!))),
    test.y,
  );
}

function nearestRows({ x }: Table, row: readonly number[], k: number): number[] {
  const distances = x.map((other, j) => [other.reduce((sum, value, c) => sum + (value - row[c]!) ** 2, 0), j] as const);
  return distances
    .sort((a, b) => a[0] - b[0])
    .slice(0, k)
    .map(([, j]) => j);
}

function r2(estimates: readonly number[], truth: readonly number[]): number {
  const middle = mean(truth);
  const residual = estimates.reduce((sum, estimate, i) => sum + (estimate - truth[i]!) ** 2, 0);
  return 1 - residual / truth.reduce((sum, value) => sum + (value - middle) ** 2, 0);
}

/** Outputs of a linear model trained by gradient descent: [rows, classes] by cross entropy, or [rows, 1] by squared error for `classes` 0. */
export function linear(train: Table, test: Table, classes: number): number[][] {
  const outputs = Math.max(1, classes);
  const width = train.x[0]!.length;
  const weights = Array.from({ length: outputs }, () => new Float64Array(width + 1));
  const score = (row: readonly number[]) => weights.map((w) => row.reduce((sum, value, c) => sum + value * w[c]!, w[width]!));
  const rate = 0.5 / Math.max(1, width / 8);
  for (let epoch = 0; epoch < 400; epoch++) {
    const gradients = weights.map((w) => w.map((value, c) => (c === width ? 0 : 0.01 * value)));
    train.x.forEach((row, i) => {
      const scores = score(row);
      const top = Math.max(...scores);
      const total = scores.reduce((sum, s) => sum + Math.exp(s - top), 0);
      for (let o = 0; o < outputs; o++) {
        const error = classes === 0 ? scores[o]! - train.y[i]! : Math.exp(scores[o]! - top) / total - (train.y[i] === o ? 1 : 0);
        for (let c = 0; c <= width; c++) gradients[o]![c]! += (error * (c === width ? 1 : row[c]!)) / train.x.length;
      }
    });
    for (let o = 0; o < outputs; o++) for (let c = 0; c <= width; c++) weights[o]![c]! -= rate * gradients[o]![c]!;
  }
  return test.x.map(score);
}

export function linearAccuracy(train: Table, test: Table, classes: number): number {
  const right = linear(train, test, classes).filter((scores, i) => scores.indexOf(Math.max(...scores)) === test.y[i]);
  return right.length / test.x.length;
}

export function linearR2(train: Table, test: Table): number {
  return r2(
    linear(train, test, 0).map(([estimate]) => estimate!),
    test.y,
  );
}

/** Area under the ROC curve; ties count one half. Undefined where only one class occurs. */
export function rocAuc(scores: readonly number[], truth: readonly boolean[]): number | undefined {
  const [positive, negative] = [true, false].map((value) => scores.filter((_, i) => truth[i] === value)) as [number[], number[]];
  if (positive.length === 0 || negative.length === 0) return undefined;
  let sum = 0;
  for (const a of positive) for (const b of negative) sum += a > b ? 1 : a === b ? 0.5 : 0;
  return sum / (positive.length * negative.length);
}

export interface KeyName {
  readonly tonic: number;
  readonly mode: "major" | "minor";
}

/** MIREX's weighted key score: same 1, an ascending fifth 0.5, relative 0.3, parallel 0.2. */
export function keyScore(estimate: KeyName, reference: KeyName): number {
  const distance = (estimate.tonic - reference.tonic + 12) % 12;
  if (estimate.mode === reference.mode) return distance === 0 ? 1 : distance === 7 ? 0.5 : 0;
  if (distance === (reference.mode === "major" ? 9 : 3)) return 0.3;
  return distance === 0 ? 0.2 : 0;
}
