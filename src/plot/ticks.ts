// Ticks: round numbers along an axis, and the format of numbers.

/** About `count` multiples of 1, 2 or 5 times a power of ten in [low, high], at least two. */
export function linearTicks(low: number, high: number, count = 6): number[] {
  if (!(high > low)) return [low];
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  if (last <= first && count < 64) return linearTicks(low, high, 2 * count);
  return Array.from({ length: last - first + 1 }, (_, i) => round((first + i) * step));
}

/** Powers of ten that lie in [low, high], and 2 and 5 times these where there are fewer than four. */
export function logTicks(low: number, high: number): number[] {
  const from = Math.floor(Math.log10(low));
  const to = Math.ceil(Math.log10(high));
  const powers = Array.from({ length: to - from + 1 }, (_, i) => from + i);
  const inside = (values: number[]) => values.filter((value) => value >= low * 0.999 && value <= high * 1.001);
  const decades = inside(powers.map((power) => round(10 ** power)));
  if (decades.length >= 4) {
    const every = Math.ceil(decades.length / 8);
    return decades.filter((_, i) => i % every === 0);
  }
  const finer = inside(powers.flatMap((power) => [1, 2, 5].map((factor) => round(factor * 10 ** power))));
  return finer.length >= 2 ? finer : linearTicks(low, high);
}

/** A number for display: without floating-point noise, with a power of ten above six digits. */
export function formatNumber(value: number): string {
  if (value !== 0 && (Math.abs(value) >= 1e6 || Math.abs(value) < 1e-4)) {
    const [mantissa, exponent] = Number(value.toPrecision(4)).toExponential().split("e");
    return `${mantissa}e${Number(exponent)}`;
  }
  return String(Number(value.toPrecision(6)));
}

function round(value: number): number {
  return Number(value.toPrecision(12));
}
