// Sessions kept ready: an encoder runs few programs, again and again.
import type { Engine, Program, Session, WeightReader } from "../ops/program.ts";

export interface Sessions {
  /** The session of the program that `key` stands for, made by `program` where it isn't ready. It may be gone at the next call. */
  get(key: string, program: () => Program): Promise<Session>;
  dispose(): Promise<void>;
}

/** Keeps the `kept` sessions used last, and disposes the others. */
export function keepSessions(engine: Engine, weights: WeightReader, kept: number): Sessions {
  const sessions = new Map<string, Promise<Session>>();
  return {
    async get(key, program) {
      let ready = sessions.get(key);
      if (ready === undefined) {
        ready = engine.prepare(program(), weights);
        ready.catch(() => sessions.delete(key));
      }
      sessions.delete(key);
      sessions.set(key, ready); // the latest used goes last
      for (const [old, idle] of [...sessions].slice(0, -kept)) {
        sessions.delete(old);
        await (await idle).dispose();
      }
      return ready;
    },
    async dispose() {
      const all = [...sessions.values()];
      sessions.clear();
      for (const ready of all) await (await ready).dispose();
    },
  };
}
