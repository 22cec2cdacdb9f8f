// libtorch for tests: on Debian as root what is missing gets installed, the addon is compiled, and elsewhere the tests that need it are
// skipped, with the reason.
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messageOf } from "../src/base/errors.ts";
import { buildAddon, withLock } from "../src/engines/torch/build.node.ts";
import { diagnoseTorch, setupTorch } from "../src/engines/torch/setup.node.ts";

/** Why tests of libtorch can't run here; undefined where they can. */
export const torchMissing: string | undefined = await prepare();

async function prepare(): Promise<string | undefined> {
  try {
    if (!diagnoseTorch().ready) await withLock(join(tmpdir(), "ostinato-setup-torch.lock"), () => setupTorch(console.log));
    await buildAddon();
    return undefined;
  } catch (error) {
    const reason = messageOf(error);
    console.warn(`Tests of libtorch are skipped: ${reason}`);
    return reason;
  }
}
