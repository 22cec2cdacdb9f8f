// npz store: one archive for each input, DIR/<name>.npz, with the arrays `embedding` (float32, of the embedding's shape), `layers` (int32) and
// `provenance` (the JSON as bytes: `json.loads(bytes(z["provenance"]))`).
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { fileSource, writeAtomic } from "../../base/files.node.ts";
import { hostTensor } from "../../base/host-tensor.ts";
import { npzChunks, readNpz } from "../../formats/npz.ts";
import { collect } from "../embedding.ts";
import { asStored, type Store, type StoreOptions } from "./store.ts";

export function npzStore(folder: string, { guard }: StoreOptions = {}): Store {
  const path = (name: string) => join(folder, `${name}.npz`);
  return {
    async find(name) {
      if (!(await stat(path(name)).catch(() => undefined))) return undefined;
      const source = await fileSource(path(name));
      try {
        const provenance = (await readNpz(source)).get("provenance");
        return (provenance && asStored(JSON.parse(new TextDecoder().decode(provenance.bytes)))) ?? "foreign";
      } catch {
        return "foreign";
      } finally {
        await source.close();
      }
    },
    async write(name, stream) {
      const { values, shape, layers, provenance } = await collect(stream);
      const json = new TextEncoder().encode(JSON.stringify(provenance));
      await writeAtomic(
        path(name),
        npzChunks([
          ["embedding", hostTensor(values, shape)],
          ["layers", { dtype: "int32", shape: [layers.length], bytes: new Uint8Array(Int32Array.from(layers).buffer) }],
          ["provenance", { dtype: "uint8", shape: [json.length], bytes: json }],
        ]),
        { guard },
      );
      return path(name);
    },
    close: async () => {},
  };
}
