// Sessions are shared by calls in flight: none is disposed of while it is in use, and all are in the end.
import { expect, test } from "vitest";
import type { Engine, Program, Session } from "../ops/program.ts";
import { noWeights } from "../ops/program.ts";
import { keepSessions } from "./sessions.ts";

/** An engine that records which sessions are ready. */
function recordingEngine() {
  const ready = new Set<string>();
  let prepared = 0;
  const engine: Engine = {
    name: "recording",
    async prepare({ name }) {
      prepared++;
      if (name === "broken") throw new Error("no such program");
      ready.add(name);
      const session: Session = {
        async run() {
          if (!ready.has(name)) throw new Error(`${name} was disposed of`);
          return {};
        },
        async dispose() {
          if (!ready.delete(name)) throw new Error(`${name} was disposed of twice`);
        },
      };
      return session;
    },
  };
  return { engine, ready, prepared: () => prepared };
}

const program = (name: string): Program => ({ name, inputs: {}, params: {}, run: () => ({}) });
const turn = () => new Promise((resolve) => setImmediate(resolve));

test("a session that leaves the cache while it is in use is disposed of after its last user", async () => {
  const { engine, ready } = recordingEngine();
  const sessions = keepSessions(engine, noWeights, 1);
  let finish = () => {};
  const first = sessions.use(
    "a",
    () => program("a"),
    async (session) => {
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      return session.run({}); // throws where the session is gone
    },
  );
  await turn();
  await sessions.use(
    "b",
    () => program("b"),
    (session) => session.run({}),
  );
  expect(ready).toEqual(new Set(["a", "b"]));
  finish();
  await first;
  expect(ready).toEqual(new Set(["b"]));
  await sessions.dispose();
  expect(ready.size).toBe(0);
});

test("many calls at once over more programs than are kept never meet a disposed session", async () => {
  const { engine, ready } = recordingEngine();
  const sessions = keepSessions(engine, noWeights, 2);
  const call = async (i: number) => {
    const name = `p${(i * 7) % 5}`;
    await sessions.use(
      `${name} ${i}`,
      () => program(`${name} ${i}`),
      async (session) => {
        for (let wait = 0; wait < i % 4; wait++) await turn();
        return session.run({});
      },
    );
  };
  await Promise.all(Array.from({ length: 40 }, (_, i) => call(i)));
  expect(ready.size).toBeLessThanOrEqual(2);
  await sessions.dispose();
  expect(ready.size).toBe(0);
});

test("calls at once for one program share one session", async () => {
  const { engine, prepared } = recordingEngine();
  const sessions = keepSessions(engine, noWeights, 2);
  await Promise.all(
    Array.from({ length: 5 }, () =>
      sessions.use(
        "a",
        () => program("a"),
        (session) => session.run({}),
      ),
    ),
  );
  expect(prepared()).toBe(1);
});

test("disposing waits for calls in flight, and a session that failed to start is tried again", async () => {
  const { engine, ready, prepared } = recordingEngine();
  const sessions = keepSessions(engine, noWeights, 2);
  await expect(
    sessions.use(
      "x",
      () => program("broken"),
      (session) => session.run({}),
    ),
  ).rejects.toThrow("no such program");
  await expect(
    sessions.use(
      "x",
      () => program("broken"),
      (session) => session.run({}),
    ),
  ).rejects.toThrow("no such program");
  expect(prepared()).toBe(2);
  const call = sessions.use(
    "a",
    () => program("a"),
    async (session) => {
      await turn();
      return session.run({});
    },
  );
  await sessions.dispose();
  await call;
  expect(ready.size).toBe(0);
});
