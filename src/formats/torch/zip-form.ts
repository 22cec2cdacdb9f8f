// The zip form of torch checkpoints: `<root>/data.pkl` and one stored file per storage, `<root>/data/<key>`.
import type { ByteSource } from "../../base/byte-source.ts";
import { FormatError } from "../../base/errors.ts";
import { printable } from "../../base/shown.ts";
import { maxPickleBytes, readPickle } from "../pickle/read.ts";
import { readZip, storedOffset } from "../zip.ts";
import { torchRules } from "./rules.ts";
import type { TorchContents } from "./tensors.ts";

/** @throws FormatError when the archive is not a torch checkpoint or is corrupt; UnsafeFileError as `openTorch` says. */
export async function openZip(source: ByteSource): Promise<TorchContents> {
  const entries = await readZip(source);
  const [pickle, ...others] = [...entries.keys()].filter((name) => /(^|\/)data\.pkl$/.test(name));
  if (!pickle || others.length) {
    const holds =
      [...entries.keys()]
        .slice(0, 5)
        .map((name) => printable(name))
        .join(", ") || "nothing";
    throw new FormatError(
      `${source.name} is a zip archive with ${pickle ? "several" : "no"} data.pkl, so not a torch checkpoint. It holds ${holds}.`,
    );
  }
  const root = pickle.slice(0, -"data.pkl".length);
  if (entries.has(`${root}constants.pkl`)) {
    throw new FormatError(`${source.name} is a TorchScript program, not a checkpoint. Save its state_dict() with torch.save.`);
  }
  const readEntry = async (name: string) => {
    const entry = entries.get(name)!;
    if (entry.bytes > maxPickleBytes)
      throw new FormatError(`${printable(name)} in ${source.name} has ${entry.bytes} bytes, more than any checkpoint's.`);
    return source.read(await storedOffset(source, entry), entry.bytes);
  };
  if (entries.has(`${root}byteorder`) && new TextDecoder().decode(await readEntry(`${root}byteorder`)) !== "little") {
    throw new FormatError(`${source.name} was written on a big-endian machine. Save it anew on a little-endian one.`);
  }
  const { value } = readPickle(await readEntry(pickle), torchRules, source.name);
  return {
    values: value,
    storageBytes: (key) => entries.get(`${root}data/${key}`)?.bytes,
    storageOffset: (key) => storedOffset(source, entries.get(`${root}data/${key}`)!),
  };
}
