// Text: the width of texts in the charts' font, computed without a canvas.

/** The fonts of SVG files: DejaVu Sans, or Verdana, whose widths are nearly the same. */
export const fontFamily = "DejaVu Sans, Verdana, sans-serif";

// Advance widths of DejaVu Sans 2.37 (its hmtx table) for the characters from space to "~", in thousandths of the font size.
const widths = [
  318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337, 636, 636, 636, 636, 636, 636, 636, 636, 636, 636, 337,
  337, 838, 838, 838, 531, 1000, 684, 686, 698, 770, 632, 575, 775, 752, 295, 295, 656, 557, 863, 748, 787, 603, 787, 695, 635, 611, 732,
  684, 989, 685, 611, 685, 390, 337, 390, 838, 500, 500, 613, 635, 550, 635, 615, 352, 635, 634, 278, 278, 579, 278, 974, 634, 612, 635,
  635, 411, 521, 392, 634, 592, 818, 592, 592, 525, 636, 337, 636, 838,
];

/** Bold letters are about 10 % wider. */
const boldFactor = 1.12;

/** Width in pixels of one line of text of the given size. Characters outside ASCII count as a wide letter. */
export function textWidth(text: string, size: number, bold = false): number {
  let sum = 0;
  for (const character of text) sum += widths[character.codePointAt(0)! - 32] ?? 700;
  return (sum / 1000) * size * (bold ? boldFactor : 1);
}

/** The width of the widest text. */
export function widest(texts: readonly string[], size: number): number {
  return texts.reduce((most, text) => Math.max(most, textWidth(text, size)), 0);
}

/** Breaks a text between words into lines no wider than `width` pixels, unless a single word is wider. */
export function wrap(text: string, width: number, size: number, bold = false): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && textWidth(longer, size, bold) <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}
