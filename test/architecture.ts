// The rules of the architecture as a function of the sources, so that tests can also apply them to trees that break them.
import { dirname, join } from "node:path/posix";
import type { Room } from "../src/floors.ts";
import { type Import, importsOf } from "./source-imports.ts";

/** Paths relative to `src/`, in POSIX form, with the text of each file. */
export type Sources = ReadonlyMap<string, string>;

export interface Rules {
  readonly floors: readonly Readonly<Record<string, Room>>[];
  readonly browserPackages: readonly string[];
}

interface Placed {
  readonly room: string;
  readonly level: number;
  readonly platform: Room["platform"];
}

/** Every way in which the sources break the map, in words; empty where they keep it. */
export function violations(sources: Sources, { floors, browserPackages }: Rules): string[] {
  const rooms = new Map(
    floors.flatMap((floor, level) => Object.entries(floor).map(([room, { platform }]) => [room, { room, level, platform }])),
  );
  const placeOf = (path: string): Placed | undefined => {
    const folders = path.split("/").slice(0, -1);
    return rooms.get(folders.slice(0, 2).join("/")) ?? rooms.get(folders[0] ?? "");
  };
  const graph = new Map([...sources].map(([path, source]) => [path, importsOf(source)]));
  const resolved = (path: string, target: string) => join(dirname(path), target);
  return [...homeless(), ...upward(), ...circles(graph, resolved), ...platforms(), ...suffixes(), ...browserWalk()];

  function homeless(): string[] {
    return [...graph.keys()].filter((path) => path.includes("/") && !placeOf(path)).map((path) => `${path} is in no room of the map.`);
  }

  function upward(): string[] {
    return eachImport().flatMap(([path, { target }]) => {
      const from = placeOf(path);
      if (!from || !target.startsWith(".")) return [];
      const to = placeOf(resolved(path, target));
      if (!to) return [`${path} imports ${target}, which is in no room.`];
      return to.room !== from.room && to.level >= from.level
        ? [`${path} imports ${target} upward: ${from.room} (floor ${from.level}) → ${to.room} (floor ${to.level}).`]
        : [];
    });
  }

  /** What needs Node stands in a Node room or in a `.node.ts` file; what needs a browser in a `.web.ts` file. */
  function platforms(): string[] {
    return eachImport().flatMap(([path, { target, typeOnly }]) => {
      if (typeOnly || !path.includes("/")) return [];
      const inNode = path.endsWith(".node.ts") || placeOf(path)?.platform === "node";
      const wrong: string[] = [];
      if (!inNode && needsNode(path, target)) wrong.push(`${path} imports ${target}, which needs Node; name the file .node.ts.`);
      if (!path.endsWith(".web.ts") && (target.startsWith("onnxruntime-web") || target.endsWith(".web.ts"))) {
        wrong.push(`${path} imports ${target}, which needs a browser; name the file .web.ts.`);
      }
      return wrong;
    });
  }

  function suffixes(): string[] {
    const idle = [...graph.keys()].filter((path) => path.endsWith(".node.ts") && placeOf(path)?.platform === "node");
    return idle.map((path) => `${path} is in a Node room; drop the suffix .node.`);
  }

  /** Everything that `browser.ts` reaches at run time must run in a browser. */
  function browserWalk(): string[] {
    const wrong: string[] = [];
    const reached = new Map([["browser.ts", "browser.ts"]]);
    for (const [path, way] of reached) {
      for (const { target, typeOnly } of graph.get(path) ?? []) {
        if (typeOnly) continue;
        if (needsNode(path, target)) wrong.push(`browser.ts reaches ${target}, which needs Node: ${way}.`);
        else if (!target.startsWith(".")) {
          if (!browserPackages.includes(packageOf(target)))
            wrong.push(`browser.ts reaches ${target}, which is not on the browser's list: ${way}.`);
        } else {
          const next = resolved(path, target);
          if (!reached.has(next)) reached.set(next, `${way} → ${next}`);
        }
      }
    }
    return wrong;
  }

  function needsNode(path: string, target: string): boolean {
    if (!target.startsWith(".")) return target.startsWith("node:");
    return target.endsWith(".node.ts") || placeOf(resolved(path, target))?.platform === "node";
  }

  function eachImport(): [string, Import][] {
    return [...graph].flatMap(([path, imports]) => imports.map((one): [string, Import] => [path, one]));
  }
}

/** "zod" of "zod/v4", "@scope/name" of "@scope/name/part". */
function packageOf(target: string): string {
  return target
    .split("/")
    .slice(0, target.startsWith("@") ? 2 : 1)
    .join("/");
}

/** Files that import each other in a circle, types included: each strongly connected component of the graph, named once. */
function circles(graph: ReadonlyMap<string, readonly Import[]>, resolved: (path: string, target: string) => string): string[] {
  const next = (path: string) =>
    (graph.get(path) ?? []).filter(({ target }) => target.startsWith(".")).map(({ target }) => resolved(path, target));
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const components: string[][] = [];
  const visit = (path: string): void => {
    order.set(path, order.size);
    low.set(path, order.get(path)!);
    stack.push(path);
    for (const to of next(path)) {
      if (!order.has(to)) visit(to);
      if (stack.includes(to)) low.set(path, Math.min(low.get(path)!, low.get(to)!));
    }
    if (low.get(path) !== order.get(path)) return;
    const component = stack.splice(stack.indexOf(path));
    if (component.length > 1 || next(path).includes(path)) components.push(component.sort());
  };
  for (const path of graph.keys()) if (!order.has(path)) visit(path);
  return components.map((files) => `These files import each other in a circle: ${files.join(", ")}.`);
}
