import { expect, test } from "vitest";
import { ConfigError } from "../../base/errors.ts";
import { firstHost, rendezvousFrom } from "./rendezvous.ts";

const torchrun = { RANK: "1", WORLD_SIZE: "4", LOCAL_RANK: "1", MASTER_ADDR: "10.0.0.1", MASTER_PORT: "29500" };

test("a process started alone has no place", () => {
  expect(rendezvousFrom({})).toBeUndefined();
  expect(rendezvousFrom({ SLURM_PROCID: "0", SLURM_NTASKS: "1" })).toBeUndefined();
});

test("torchrun's environment gives the place, and its agent's store is not opened twice", () => {
  expect(rendezvousFrom(torchrun)).toEqual({ rank: 1, size: 4, localRank: 1, host: "10.0.0.1", port: 29500, serve: false, prefix: "" });
  expect(rendezvousFrom({ ...torchrun, RANK: "0" })?.serve).toBe(true);
  const agent = { ...torchrun, RANK: "0", TORCHELASTIC_USE_AGENT_STORE: "True", TORCHELASTIC_RESTART_COUNT: "2" };
  expect(rendezvousFrom(agent)).toMatchObject({ serve: false, prefix: "/worker/attempt_2" });
});

test("SLURM's environment gives the place, with a port of the job's own", () => {
  const slurm = { SLURM_PROCID: "3", SLURM_NTASKS: "8", SLURM_LOCALID: "1", SLURM_JOB_NODELIST: "gpu[003-006]", SLURM_JOB_ID: "123456" };
  expect(rendezvousFrom(slurm)).toEqual({ rank: 3, size: 8, localRank: 1, host: "gpu003", port: 23456, serve: false, prefix: "" });
});

test("the first machine of a node list is found in SLURM's spellings", () => {
  expect(["node7", "a,b", "gpu[12,14-19]", "n[1-2]-ib,x"].map(firstHost)).toEqual(["node7", "a", "gpu12", "n1-ib"]);
});

test("a wrong or missing variable is named", () => {
  expect(() => rendezvousFrom({ ...torchrun, WORLD_SIZE: "many" })).toThrow('WORLD_SIZE is "many"');
  expect(() => rendezvousFrom({ ...torchrun, RANK: "4" })).toThrow("ranks run from 0 to 3");
  expect(() => rendezvousFrom({ RANK: "0", WORLD_SIZE: "2" })).toThrow(ConfigError);
});
