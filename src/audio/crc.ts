// Cyclic redundancy checks of the containers, most significant bit first.

/** The table of a CRC of `bits` bits with the given polynomial. */
function crcTable(bits: 8 | 16 | 32, polynomial: number): Uint32Array {
  const top = 2 ** (bits - 1);
  const mask = 2 ** bits - 1;
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte * 2 ** (bits - 8);
    for (let bit = 0; bit < 8; bit++) {
      const carry = crc >= top;
      crc = (crc * 2) % 2 ** bits;
      if (carry) crc = (crc ^ polynomial) >>> 0;
    }
    return crc & mask;
  });
}

const table8 = crcTable(8, 0x07);
const table16 = crcTable(16, 0x8005);
const table32 = crcTable(32, 0x04c11db7);

/** CRC-8 of FLAC's frame headers. */
export function crc8(bytes: Uint8Array, from: number, to: number): number {
  let crc = 0;
  for (let i = from; i < to; i++) crc = table8[crc ^ bytes[i]!]!;
  return crc;
}

/** One step of the CRC-16 of FLAC frames. Over a frame including its CRC the result is 0. */
export function crc16Step(crc: number, byte: number): number {
  return ((crc << 8) & 0xffff) ^ table16[(crc >> 8) ^ byte]!;
}

/** CRC-32 of an Ogg page, whose own checksum (bytes 22 to 25) counts as 0. */
export function oggCrc(page: Uint8Array): number {
  let crc = 0;
  for (let i = 0; i < page.length; i++) {
    const byte = i >= 22 && i < 26 ? 0 : page[i]!;
    crc = (crc << 8) ^ table32[((crc >>> 24) ^ byte) & 0xff]!;
  }
  return crc >>> 0;
}
