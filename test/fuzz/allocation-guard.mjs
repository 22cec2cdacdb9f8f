// Preloaded into a fuzzing process and its workers: a single allocation beyond FUZZ_ALLOCATION_BYTES throws, so that a few bytes of a broken
// file that ask for gigabytes are found even where the system would hand them out untouched.
const limit = Number(process.env.FUZZ_ALLOCATION_BYTES);

for (const name of [
  "ArrayBuffer",
  "Uint8Array",
  "Int8Array",
  "Int16Array",
  "Uint16Array",
  "Int32Array",
  "Uint32Array",
  "Float32Array",
  "Float64Array",
  "BigInt64Array",
  "BigUint64Array",
]) {
  const itemBytes = globalThis[name].BYTES_PER_ELEMENT ?? 1;
  globalThis[name] = new Proxy(globalThis[name], {
    construct(target, args, made) {
      const bytes = itemBytes * (typeof args[0] === "number" ? args[0] : 0);
      if (bytes > limit) throw new RangeError(`fuzz: an allocation of ${bytes} bytes`);
      return Reflect.construct(target, args, made);
    },
  });
}
