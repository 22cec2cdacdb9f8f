// Exact mathematics: sines, powers and logarithms computed by addition, multiplication and division. IEEE 754 defines those to the last bit;
// ECMAScript leaves Math.sin, Math.exp and Math.log to the engine. So a seed gives the same bytes on every platform and engine version.

const turn = 2 * Math.PI;

/** Powers of two from 2^-128 to 2^127, each exact. */
const powers = (() => {
  const table = new Float64Array(256);
  table[128] = 1;
  for (let i = 129; i < 256; i++) table[i] = table[i - 1]! * 2;
  for (let i = 127; i >= 0; i--) table[i] = table[i + 1]! / 2;
  return table;
})();

/** sin(2π · turns), within 1e-11. */
export function sinTurns(turns: number): number {
  let x = turns - Math.floor(turns + 0.5); // -0.5 … 0.5
  if (x > 0.25) x = 0.5 - x;
  else if (x < -0.25) x = -0.5 - x;
  const t = turn * x;
  const y = t * t;
  // Taylor series to t^17: the first omitted term is below 3e-14 at a quarter turn.
  const tail = 1 - y / 272;
  return t * (1 - (y / 6) * (1 - (y / 20) * (1 - (y / 42) * (1 - (y / 72) * (1 - (y / 110) * (1 - (y / 156) * (1 - (y / 210) * tail)))))));
}

export function cosTurns(turns: number): number {
  return sinTurns(turns + 0.25);
}

/** 2^x, relative error below 1e-13; x is clamped to -127 … 126. */
export function exp2(x: number): number {
  const clamped = Math.max(-127, Math.min(126, x));
  const whole = Math.round(clamped);
  const t = (clamped - whole) * Math.LN2; // ±0.347
  let sum = 1;
  for (let n = 12; n > 0; n--) sum = 1 + (t / n) * sum;
  return sum * powers[whole + 128]!;
}

/** e^x. */
export function exp(x: number): number {
  return exp2(x * Math.LOG2E);
}

/** log2 of a positive number, within 1e-13. Numbers up to 2^-128, zero and negative ones give -128. */
export function log2(x: number): number {
  if (!(x > powers[0]!)) return -128;
  let low = 0;
  let high = 255;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (powers[middle]! <= x) low = middle;
    else high = middle;
  }
  const mantissa = x / powers[low]! / Math.SQRT2; // 0.707 … 1.414
  const t = (mantissa - 1) / (mantissa + 1);
  const square = t * t;
  let sum = 0;
  for (let n = 21; n > 0; n -= 2) sum = 1 / n + square * sum;
  return low - 128 + 0.5 + 2 * t * sum * Math.LOG2E;
}

/** base^exponent for a positive base. */
export function power(base: number, exponent: number): number {
  return exp2(exponent * log2(base));
}

/** The amplitude ratio of a level in decibels. */
export function fromDecibels(decibels: number): number {
  return exp2(decibels * 0.16609640474436813); // log2(10) / 20
}

/** Frequency of a midi note in hertz; 69 is 440 Hz. */
export function midiHertz(midi: number): number {
  return 440 * exp2((midi - 69) / 12);
}

/** Soft clipping at ±1: a rational approximation of tanh, within 0.03. */
export function softClip(x: number): number {
  if (x > 3) return 1;
  if (x < -3) return -1;
  const square = x * x;
  return (x * (27 + square)) / (27 + 9 * square);
}

export function clamp(x: number, low: number, high: number): number {
  return x < low ? low : x > high ? high : x;
}
