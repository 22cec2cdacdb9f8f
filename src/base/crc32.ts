// CRC-32 as used by zip and PNG (polynomial 0xEDB88320), eight bytes at a time: checkpoints of gigabytes pass through it.

const tables = buildTables();

function buildTables(): Uint32Array[] {
  const first = Uint32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    return crc;
  });
  // Table k advances a byte by k further zero bytes.
  const all = [first];
  for (let k = 1; k < 8; k++) all.push(all[k - 1]!.map((crc) => (crc >>> 8) ^ first[crc & 255]!));
  return all;
}

/** CRC-32 of `bytes`, unsigned. `crc`: the checksum of the bytes before them, to continue from. */
export function crc32(bytes: Uint8Array, crc = 0): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = tables as [Uint32Array, ...Uint32Array[]] & Record<number, Uint32Array>;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let c = ~crc;
  let i = 0;
  for (; i + 8 <= bytes.length; i += 8) {
    const low = c ^ view.getUint32(i, true);
    const high = view.getUint32(i + 4, true);
    c =
      t7![low & 255]! ^
      t6![(low >>> 8) & 255]! ^
      t5![(low >>> 16) & 255]! ^
      t4![low >>> 24]! ^
      t3![high & 255]! ^
      t2![(high >>> 8) & 255]! ^
      t1![(high >>> 16) & 255]! ^
      t0[high >>> 24]!;
  }
  for (; i < bytes.length; i++) c = (c >>> 8) ^ t0[(c ^ bytes[i]!) & 255]!;
  return ~c >>> 0;
}
