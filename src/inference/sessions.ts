// Sessions kept ready for the programs that an encoder runs again and again.
import type { Engine, Program, Session, WeightReader } from "../ops/program.ts";

export interface Sessions {
  /** Lends the session of `key` to `use` for as long as its promise is pending; `program` gives the program of a session that is not ready.
   *  A session that others are still using is disposed of only after the last of them has finished. */
  use<R>(key: string, program: () => Program, use: (session: Session) => Promise<R>): Promise<R>;
  /** Disposes of every session as soon as nobody uses it. Later calls prepare new ones. */
  dispose(): Promise<void>;
}

interface Kept {
  readonly session: Promise<Session>;
  users: number;
  /** Set when the session has left the cache: its last user disposes of it. */
  dropped: boolean;
}

/** Keeps the `limit` sessions used last. */
export function keepSessions(engine: Engine, weights: WeightReader, limit: number): Sessions {
  const sessions = new Map<string, Kept>();

  async function release(kept: Kept): Promise<void> {
    kept.users--;
    if (kept.dropped && kept.users === 0) await (await kept.session.catch(() => undefined))?.dispose();
  }

  /** Takes a session out of the cache. The extra user makes this call the last one where the session is idle. */
  function drop(key: string, kept: Kept): Promise<void> {
    if (sessions.get(key) === kept) sessions.delete(key);
    kept.dropped = true;
    kept.users++;
    return release(kept);
  }

  return {
    async use(key, program, use) {
      const kept = sessions.get(key) ?? { session: engine.prepare(program(), weights), users: 0, dropped: false };
      kept.users++;
      sessions.delete(key);
      sessions.set(key, kept); // the last used stands last
      for (const [old, idle] of [...sessions].slice(0, -limit)) await drop(old, idle);
      try {
        return await use(await kept.session);
      } catch (error) {
        const failed = await kept.session.then(
          () => false,
          () => true,
        );
        if (failed && sessions.get(key) === kept) sessions.delete(key);
        throw error;
      } finally {
        await release(kept);
      }
    },
    async dispose() {
      await Promise.all([...sessions].map(([key, kept]) => drop(key, kept)));
    },
  };
}
