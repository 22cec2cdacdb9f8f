// Rendezvous: rank, world size and address of the process group, from the environment variables of torchrun or SLURM.
import { ConfigError } from "../../base/errors.ts";

/** The place of this process in its group. */
export interface Place {
  readonly rank: number;
  readonly size: number;
  /** Index among the processes of this machine, and so of the GPU to use. */
  readonly localRank: number;
  readonly host: string;
  readonly port: number;
  /** Whether this process opens the store at `host`:`port`: rank 0, unless torchrun's agent has opened it. */
  readonly serve: boolean;
  /** Prefix of the store's keys, so that a restarted job does not read those of its previous attempt. */
  readonly prefix: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The place of this process; undefined where it was not started as one of several.
 *  @throws ConfigError naming the variable that is missing or wrong. */
export function rendezvousFrom(env: Environment = process.env): Place | undefined {
  if (env.RANK !== undefined || env.WORLD_SIZE !== undefined) return fromTorchrun(env);
  // In a batch script outside srun, SLURM_NTASKS is that of the allocation, and SLURM_PROCID is unset or belongs to a step of one task.
  if (env.SLURM_PROCID !== undefined && Number(env.SLURM_STEP_NUM_TASKS ?? env.SLURM_NTASKS ?? 1) > 1) return fromSlurm(env);
  return undefined;
}

function fromTorchrun(env: Environment): Place {
  const rank = whole(env, "RANK");
  const size = whole(env, "WORLD_SIZE");
  if (rank >= size) throw new ConfigError(`RANK is ${rank}, but WORLD_SIZE is ${size}: ranks run from 0 to ${size - 1}.`);
  const agent = env.TORCHELASTIC_USE_AGENT_STORE === "True";
  return {
    rank,
    size,
    localRank: env.LOCAL_RANK === undefined ? rank : whole(env, "LOCAL_RANK"),
    host: text(env, "MASTER_ADDR"),
    port: whole(env, "MASTER_PORT"),
    serve: rank === 0 && !agent,
    prefix: agent ? `/worker/attempt_${env.TORCHELASTIC_RESTART_COUNT ?? 0}` : "",
  };
}

function fromSlurm(env: Environment): Place {
  const rank = whole(env, "SLURM_PROCID");
  const job = Number(env.SLURM_JOB_ID ?? 0);
  return {
    rank,
    size: env.SLURM_STEP_NUM_TASKS === undefined ? whole(env, "SLURM_NTASKS") : whole(env, "SLURM_STEP_NUM_TASKS"),
    localRank: env.SLURM_LOCALID === undefined ? 0 : whole(env, "SLURM_LOCALID"),
    host: env.MASTER_ADDR ?? firstHost(text(env, "SLURM_STEP_NODELIST", env.SLURM_JOB_NODELIST)),
    // Jobs that share a machine must not share a port.
    port: env.MASTER_PORT === undefined ? 20_000 + (job % 20_000) : whole(env, "MASTER_PORT"),
    serve: rank === 0,
    prefix: "",
  };
}

/** The first host name of a SLURM node list: "gpu[003-007,9],login" → "gpu003". */
export function firstHost(list: string): string {
  const match = /^([^,[\]]+)(?:\[([^,\-\]]+)[^\]]*\]([^,]*))?/.exec(list);
  if (!match) throw new ConfigError(`The node list "${list}" names no host. Set MASTER_ADDR to the first one.`);
  return `${match[1]}${match[2] ?? ""}${match[3] ?? ""}`;
}

function text(env: Environment, name: string, otherwise?: string): string {
  const value = env[name] ?? otherwise;
  if (!value)
    throw new ConfigError(
      `${name} is not set. Start the processes with torchrun or srun, or set RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT.`,
    );
  return value;
}

function whole(env: Environment, name: string): number {
  const value = text(env, name);
  if (!/^\d+$/.test(value)) throw new ConfigError(`${name} is "${value}"; a whole number was expected.`);
  return Number(value);
}
