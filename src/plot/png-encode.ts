// PNG encoder: images of up to 256 colours, one byte a pixel (PNG specification, third edition).
import { zlibSync } from "fflate";
import { concatBytes } from "../base/bytes.ts";
import { crc32 } from "../base/crc32.ts";
import { ShapeError } from "../base/errors.ts";
import type { Rgb } from "./palette.ts";

export interface IndexedImage {
  readonly width: number;
  readonly height: number;
  /** Row-major from the top left, [height, width]: each an index into the palette. */
  readonly pixels: Uint8Array;
  readonly palette: readonly Rgb[];
}

/** The image as a PNG file. @throws ShapeError when the pixels do not fill it or the palette is not of 1 to 256 colours. */
export function encodePng({ width, height, pixels, palette }: IndexedImage): Uint8Array {
  if (pixels.length !== width * height || pixels.length === 0) {
    throw new ShapeError(`${pixels.length} pixels do not make an image of ${width} × ${height}.`);
  }
  if (palette.length < 1 || palette.length > 256) throw new ShapeError(`A palette has 1 to 256 colours, not ${palette.length}.`);
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  // Eight bits a pixel, colour type 3 (indexed); the only compression, filter set and no interlacing.
  header.set([8, 3, 0, 0, 0], 8);
  // Each row begins with its filter: 0, none.
  const rows = new Uint8Array(height * (width + 1));
  for (let y = 0; y < height; y++) rows.set(pixels.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
  const plte = Uint8Array.from(palette.flat());
  return concatBytes([
    signature,
    chunk("IHDR", header),
    chunk("PLTE", plte),
    chunk("IDAT", zlibSync(rows)),
    chunk("IEND", new Uint8Array(0)),
  ]);
}

/** The image as a data: address, for embedding. */
export function pngDataUrl(image: IndexedImage): string {
  const png = encodePng(image);
  let text = "";
  // In pieces, since the number of arguments of a call is limited.
  for (let i = 0; i < png.length; i += 8192) text += String.fromCharCode(...png.subarray(i, i + 8192));
  return `data:image/png;base64,${btoa(text)}`;
}

/** Length, type, data, and the checksum of the last two. */
function chunk(type: string, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(data.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  for (let i = 0; i < 4; i++) bytes[4 + i] = type.charCodeAt(i);
  bytes.set(data, 8);
  view.setUint32(data.length + 8, crc32(bytes.subarray(4, data.length + 8)));
  return bytes;
}
