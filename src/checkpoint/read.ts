// Opening a checkpoint of any format. The format is recognised by the first bytes, never by the file name.
import type { ByteSource } from "../base/byte-source.ts";
import { FormatError } from "../base/errors.ts";
import { isFairseq, openFairseq } from "../formats/fairseq.ts";
import { openSafetensors } from "../formats/safetensors.ts";
import type { TensorFile } from "../formats/tensor-file.ts";
import { openTorch } from "../formats/torch/open.ts";

/** Opens a checkpoint of any format: safetensors, torch (zip or legacy), fairseq. Only the description of the tensors is read.
 *  @throws FormatError when it is none of these, saying what it seems to be, or when it is corrupt;
 *  @throws UnsafeFileError when other software would run code from it (nothing is run here). */
export async function openCheckpoint(source: ByteSource): Promise<TensorFile> {
  const start = await source.read(0, Math.min(512, source.size));
  const text = new TextDecoder().decode(start).trimStart();
  const begins = (...bytes: number[]) => bytes.every((byte, i) => start[i] === byte);
  const refuse = (what: string): never => {
    throw new FormatError(`${source.name} is ${what}`);
  };
  // safetensors: eight bytes of header length, whose upper bytes are zero, then the header in JSON.
  if (start[8] === 0x7b && start[6] === 0 && start[7] === 0) return openSafetensors(source);
  if (begins(0x50, 0x4b) || begins(0x80)) {
    const torch = await openTorch(source);
    return isFairseq(torch) ? openFairseq(torch) : torch;
  }
  if (source.size === 0) return refuse("empty: its download failed. Fetch it again.");
  if (text.startsWith("version https://git-lfs")) {
    const size = /size (\d+)/.exec(text)?.[1];
    return refuse(
      `a git-lfs pointer${size ? ` to a file of ${size} bytes` : ""}, not the file itself. Run git lfs pull in its folder, or download it from the hub.`,
    );
  }
  if (/^<(!doctype|html|\?xml|head|body)/i.test(text)) {
    return refuse("a web page, not a checkpoint: the address answered with an error or a log-in page. Download it again.");
  }
  if (text.startsWith("{")) return refuse("JSON text, not a checkpoint. A sharded checkpoint opens by its folder.");
  if (begins(0x93, 0x4e)) return refuse("an npy array, not a checkpoint.");
  if (new TextDecoder().decode(start.subarray(257, 262)) === "ustar") {
    return refuse("a tar archive: unpack it and open what lies within. If PyTorch before 0.1.10 wrote it, save it anew with a newer one.");
  }
  const shown = Array.from(start.subarray(0, 8), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return refuse(`no checkpoint that can be read (safetensors, torch or fairseq): it begins with ${shown}.`);
}
