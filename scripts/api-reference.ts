// Writes the API reference, docs/api, from the docstrings: one file for the library, one for the browser, each grouped by the headings
// (`// ## …`) of the file that exports. Run: npm run docs:api. The same sources give the same bytes. `--out DIR` writes elsewhere.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Application, Comment, type DeclarationReflection, Models, OptionDefaults, type ProjectReflection } from "typedoc";
import type { PluginOptions } from "typedoc-plugin-markdown";

const root = fileURLToPath(new URL("..", import.meta.url));
const { out } = parseArgs({ options: { out: { type: "string", default: `${root}docs/api` } } }).values;
const entries = {
  index: { name: "ostinato", about: 'What `import … from "ostinato"` offers in Node.' },
  browser: { name: "ostinato-browser", about: 'What `import … from "ostinato/browser"` offers: the part that needs no Node.' },
} as const;

const markdown: Partial<PluginOptions> = {
  hideBreadcrumbs: true,
  hidePageHeader: true,
  indexFormat: "table",
  expandObjects: true,

  parametersFormat: "table",
  interfacePropertiesFormat: "table",
  typeDeclarationFormat: "table",
  tableColumnSettings: { hideSources: true, hideModifiers: true, hideInherited: true, hideOverrides: true, hideDefaults: true },
};

const app = await Application.bootstrapWithPlugins({
  entryPoints: Object.keys(entries).map((name) => `${root}src/${name}.ts`),
  tsconfig: `${root}tsconfig.json`,
  plugin: ["typedoc-plugin-markdown"],
  name: "API reference",
  readme: "none",
  router: "module",
  out,
  sort: ["kind", "alphabetical"],
  kindSortOrder: ["Function", "Interface", "TypeAlias", "Class", "Variable", ...OptionDefaults.kindSortOrder].filter(
    (kind, i, all) => all.indexOf(kind) === i,
  ),
  // No paths, revisions or dates: the output depends on the sources alone.
  disableSources: true,
  disableGit: true,
  hideGenerator: true,
  githubPages: false,
  excludeExternals: true,
  skipErrorChecking: true,
  validation: false,
  logLevel: "Warn",
  ...markdown,
} as object);

const project = await app.convert();
if (!project) throw new Error("The sources could not be read: see above.");
for (const module of project.children ?? []) {
  const { name, about } = entries[module.name as keyof typeof entries];
  groupByTask(module, headingsOf(join(root, `src/${module.name}.ts`)));
  module.name = name;
  const contents = module.groups!.map(({ title }) => `- [${title}](#${title.toLowerCase().replaceAll(" ", "-")})`);
  module.comment = new Comment([{ kind: "text", text: [about, "", ...contents].join("\n") }]);
  for (const each of module.children ?? []) {
    dropInherited(project, each);
    nameOptions(each);
    // Its inferred type would list the whole table, which `ostinato models` prints and docs/models describes.
    if (each.name === "registry") each.type = new Models.UnknownType("Record<RegisteredName, RegistryEntry>");
  }
}
await app.generateOutputs(project);
if (app.logger.hasErrors()) process.exitCode = 1;

/** The headings of a file that exports, in order, each with the names below it. Headings of `export *` come first, and merge with equal ones. */
function headingsOf(path: string): Map<string, string[]> {
  const headings = new Map<string, string[]>();
  const add = (heading: string, names: readonly string[]) => headings.set(heading, [...(headings.get(heading) ?? []), ...names]);
  let heading = "";
  const pattern = /^\/\/ ## (.+)$|^export \* from "(.+)";|^export (?:type )?\{([^}]*)\}/gm;
  for (const [, title, shared, list = ""] of readFileSync(path, "utf8").matchAll(pattern)) {
    if (title) heading = title;
    else if (shared) for (const [each, names] of headingsOf(join(dirname(path), shared))) add(each, names);
    else if (heading === "") throw new Error(`${path} exports ${list.trim()} above its first heading (// ## …).`);
    else add(heading, list.split(",").flatMap(exportedName));
  }
  return headings;
}

/** "c" of "type a as c"; nothing of what follows the last comma. */
function exportedName(item: string): string[] {
  const name = item.trim().split(/\s+/).at(-1)!;
  return name === "" ? [] : [name];
}

/** Replaces typedoc's groups by kind. The exports of a heading keep typedoc's order: functions, then types. */
function groupByTask(module: DeclarationReflection, headings: ReadonlyMap<string, readonly string[]>): void {
  const order = [...headings.keys()].sort((a, b) => Number(a === "Errors") - Number(b === "Errors"));
  module.groups = order.map((title) => {
    const group = new Models.ReflectionGroup(title, module);
    group.children = (module.children ?? []).filter(({ name }) => headings.get(title)!.includes(name));
    return group;
  });
  const grouped = module.groups.flatMap(({ children }) => children.map(({ name }) => name));
  const missing = (module.children ?? []).filter(({ name }) => !grouped.includes(name));
  if (missing.length > 0) throw new Error(`No heading lists ${missing.map(({ name }) => name).join(", ")}.`);
}

/** Removes what a class or interface inherits, which is described where it is declared, and the names of error classes. */
function dropInherited(project: ProjectReflection, reflection: DeclarationReflection): void {
  const own = ({ name, inheritedFrom, overwrites, signatures }: DeclarationReflection) =>
    !inheritedFrom && !(name === "name" && overwrites) && !signatures?.every((signature) => signature.inheritedFrom);
  const dropped = new Set(reflection.children?.filter((child) => !own(child)));
  for (const group of reflection.groups ?? [])
    group.children = group.children.filter((child) => !dropped.has(child as DeclarationReflection));
  if (reflection.groups) reflection.groups = reflection.groups.filter(({ children }) => children.length > 0);
  for (const child of dropped) project.removeReflection(child);
}

/** Names parameters that the source destructures, for which typedoc has no name. */
function nameOptions(reflection: DeclarationReflection): void {
  for (const signature of [...(reflection.signatures ?? []), ...(reflection.children ?? []).flatMap((child) => child.signatures ?? [])]) {
    for (const parameter of signature.parameters ?? []) if (parameter.name === "__namedParameters") parameter.name = "options";
  }
}
