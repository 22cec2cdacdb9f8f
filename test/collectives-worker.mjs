// One process of the collectives test: runs what its argument names, prints one JSON line, and exits. Runs the built library.
const [, , job, dist] = process.argv;
const load = (path) => import(new URL(path, dist).href);
const { openTorch } = await load("engines/torch/runtime.js");
const { joinGroup } = await load("engines/torch/collectives.js");
const { rendezvousFrom } = await load("engines/torch/rendezvous.js");
const { fromHost, toFloats, toNumber, tidy } = await load("engines/torch/tensor.js");
const { hostTensor } = await load("base/dtypes.js");

await openTorch({ device: "cpu", threads: 1 });
const place = rendezvousFrom();
const tensor = (...values) => fromHost(hostTensor(Float32Array.from(values), [values.length]));
const list = (x) => [...toFloats(x)];
const answer = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

try {
  const group = await joinGroup(place, { timeoutSeconds: Number(process.env.TIMEOUT ?? 60) });
  const { rank, size } = group;
  if (job === "words") {
    const root = tensor(rank, rank + 10);
    await group.broadcast(root, size - 1).done;
    const [a, b] = [tensor(rank + 1), tensor(rank, 2)];
    await group.allReduce([a, b]).done;
    const top = tensor(rank);
    await group.allReduce([top], "max").done;
    const parts = Array.from({ length: size }, () => tensor(0, 0));
    await group.allGather(parts, tensor(rank, -rank)).done;
    const mine = tensor(0);
    await group.reduceScatter(
      mine,
      Array.from({ length: size }, (_, r) => tensor(rank + 100 * r)),
    ).done;
    await group.barrier().done;
    answer({ root: list(root), a: list(a), b: list(b), top: list(top), parts: parts.map(list), mine: list(mine) });
  } else if (job === "kill") {
    for (let step = 0; ; step++) {
      const x = tensor(...new Float32Array(1000).fill(1));
      await group.allReduce([x]).done;
      tidy(() => toNumber(x));
      x.dispose();
      if (step === 20 && rank === size - 1) process.kill(process.pid, "SIGKILL");
    }
  } else if (job === "silent") {
    if (rank === 0) await group.allReduce([tensor(1)]).done;
    else await new Promise((resolve) => setTimeout(resolve, 8_000));
  }
  group.leave();
  process.exit(0);
} catch (error) {
  answer({ name: error.constructor.name, message: error.message });
  process.exit(3);
}
