import { existsSync, readFileSync } from "node:fs";
import { afterAll, expect, test } from "vitest";
import { goldenJson, goldenPath } from "../../../test/fixtures/golden.ts";
import { memorySource } from "../../base/byte-source.ts";
import { FormatError, UnsafeFileError } from "../../base/errors.ts";
import { readPickle } from "../pickle/read.ts";
import { plainRules } from "../pickle/rules.ts";
import { openSafetensors } from "../safetensors.ts";
import { flattenTensors } from "./flatten.ts";
import { openTorch } from "./open.ts";

interface Case {
  readonly file: string;
  readonly expect: string;
  readonly tensors?: Record<string, { shape: number[]; dtype: string; stride: number[] }>;
}
const manifest = goldenJson<Case[]>("P_checkpoints/manifest.json").filter(({ file }) => !file.startsWith("safetensors/"));
const bytesOf = (file: string) => new Uint8Array(readFileSync(goldenPath(`P_checkpoints/${file}`)));
const open = (file: string) => openTorch(memorySource(bytesOf(file), file));

afterAll(() => {
  // The file that the hostile pickles create when they are executed.
  expect(existsSync("/tmp/pwned")).toBe(false);
});

test.each(manifest.filter((each) => each.expect === "ok"))(
  "every tensor of $file equals PyTorch's, bit for bit",
  async ({ file, tensors }) => {
    const opened = await open(file);
    const expected = await openSafetensors(memorySource(bytesOf(`${file}.expected.safetensors`)));
    expect([...opened.tensors.keys()].sort()).toEqual([...expected.tensors.keys()].sort());
    for (const [name, { dtype, shape, stride }] of Object.entries(tensors!)) {
      expect([name, opened.tensors.get(name)]).toEqual([name, expect.objectContaining({ dtype, shape, strides: stride })]);
      expect([name, await opened.read(name)]).toEqual([name, await expected.read(name)]);
    }
  },
);

const refused: Record<string, string> = {
  "malicious_zip.pt": "asks for posix.system",
  "malicious_legacy.pt": "asks for posix.system",
  "malicious_protocol4.pt": "asks for subprocess.Popen",
  "malicious_eval.pt": "asks for builtins.eval",
  "malicious_inst.pkl": "asks for os.system",
  "view_out_of_range.pt": "a float32 tensor [2, 3] with strides [3, 1] at element 4 goes past the end of storage 0, which has 6 elements",
  "negative_offset.pt": "a tensor's offset is -2",
  "huge_numel.pt": "should have 4398046511104: the file is cut short or corrupt",
  "huge_strided_expand.pt": "repeats the 6 elements of storage 0",
  "storage_too_short.pt": "has 20 bytes, but should have 24",
  "missing_storage.pt": "has no storage 9, where w should be",
  "path_traversal_key.pt": "a storage has the key",
  "unknown_storage_type.pt": "which is not supported",
  "truncated_half.pt": "cut short",
  "truncated_tail.pt": "cut short",
  "pickle_truncated.pt": "cut short",
  "no_data_pkl.pt": "no data.pkl",
  "garbage.pt": "can't be read at byte",
  "garbage_zip.pt": "cut short",
  "empty.pt": "cut short",
  "html_error_page.bin": "unknown operation 0x3c",
  "git_lfs_pointer.bin": "unknown operation 0x76",
  "legacy_truncated.pt": "ends within storage",
  "legacy_bad_magic.pt": "unknown operation 0x0",
  "deep_nesting.pkl": "not a torch checkpoint",
  "memo_bomb.pkl": "not a torch checkpoint",
  "persid_not_tuple.pt": "a persistent id is no tuple",
  "stack_underflow.pt": "closes a group that it never opened",
  "bad_memo.pt": "never set",
  "unknown_opcode.pt": "unknown operation 0xff",
  "proto_too_new.pt": "protocol 99",
};

test.each(Object.entries(refused))("%s is refused: %s", async (file, message) => {
  const opening = open(`bad/${file}`);
  await expect(opening).rejects.toThrow(message);
  await expect(opening).rejects.toBeInstanceOf(file.startsWith("malicious") ? UnsafeFileError : FormatError);
});

test("every hostile file of the manifest has its test here", () => {
  const hostile = manifest.flatMap(({ file }) => (file.startsWith("bad/") ? [file.slice(4)] : []));
  expect([...Object.keys(refused), "proto_pollution.pt"].sort()).toEqual(hostile.sort());
});

test("keys that mean something to JavaScript stay plain keys", async () => {
  const file = await open("bad/proto_pollution.pt");
  expect([...file.tensors.keys()]).toEqual(expect.arrayContaining(["__proto__"]));
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  expect(Object.getPrototypeOf({})).toBe(Object.prototype);
});

test("deeply nested values, and shared ones that expand to 2^200, are read as they are and refused when flattened to names", () => {
  for (const file of ["bad/deep_nesting.pkl", "bad/memo_bomb.pkl"]) {
    const { value } = readPickle(bytesOf(file), plainRules, file);
    expect(() => flattenTensors(value, file)).toThrow(/nests its values|unfolds to more than/);
  }
});
