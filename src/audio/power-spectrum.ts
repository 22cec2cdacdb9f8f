// Power spectra of real frames by a radix-2 FFT (Cooley and Tukey 1965), two frames in one complex transform.

/** Power spectra of frames of `size` samples, a power of two. */
export interface PowerSpectrum {
  /** Writes the spectra [size / 2 + 1] of two frames, each already windowed. */
  pair(first: Float64Array, second: Float64Array, firstPower: Float64Array, secondPower: Float64Array): void;
}

export function powerSpectrum(size: number): PowerSpectrum {
  const cosines = Float64Array.from({ length: size / 2 }, (_, k) => Math.cos((2 * Math.PI * k) / size));
  const sines = Float64Array.from({ length: size / 2 }, (_, k) => -Math.sin((2 * Math.PI * k) / size));
  const reversed = bitReversal(size);
  const re = new Float64Array(size);
  const im = new Float64Array(size);

  const transform = () => {
    for (let half = 1; half < size; half *= 2) {
      const step = size / (2 * half);
      for (let start = 0; start < size; start += 2 * half) {
        for (let k = 0; k < half; k++) {
          const [c, s] = [cosines[k * step]!, sines[k * step]!];
          const [low, high] = [start + k, start + k + half];
          const x = re[high]! * c - im[high]! * s;
          const y = re[high]! * s + im[high]! * c;
          re[high] = re[low]! - x;
          im[high] = im[low]! - y;
          re[low] = re[low]! + x;
          im[low] = im[low]! + y;
        }
      }
    }
  };

  return {
    pair(first, second, firstPower, secondPower) {
      for (let i = 0; i < size; i++) {
        re[reversed[i]!] = first[i]!;
        im[reversed[i]!] = second[i]!;
      }
      transform();
      // The spectrum of first + i second, split by its symmetry: F(k) = (Z(k) + Z*(-k)) / 2, S(k) = (Z(k) - Z*(-k)) / 2i.
      for (let k = 0; k <= size / 2; k++) {
        const mirror = (size - k) % size;
        firstPower[k] = ((re[k]! + re[mirror]!) ** 2 + (im[k]! - im[mirror]!) ** 2) / 4;
        secondPower[k] = ((im[k]! + im[mirror]!) ** 2 + (re[k]! - re[mirror]!) ** 2) / 4;
      }
    },
  };
}

function bitReversal(size: number): Uint32Array {
  const out = new Uint32Array(size);
  for (let i = 1; i < size; i++) out[i] = (out[i >> 1]! >> 1) | (i & 1 ? size >> 1 : 0);
  return out;
}
