// What may be called? Writes docs/api from the docstrings: one file for the library, one for the browser.
// Run: npm run docs:api. The same sources give the same bytes. `--out DIR` writes elsewhere.
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
  groupOrder: ["Functions", "Interfaces", "Type Aliases", "Variables", "Classes", "*", "References"],
  // Nothing of the machine or the day: no paths, no revisions, no dates.
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
  module.name = name;
  module.comment = new Comment([{ kind: "text", text: about }]);
  for (const each of module.children ?? []) {
    dropInherited(project, each);
    nameOptions(each);
    // Its type spells out the whole table, which stands in `ostinato models` and in docs/models.
    if (each.name === "registry") each.type = new Models.UnknownType("Record<RegisteredName, RegistryEntry>");
  }
}
await app.generateOutputs(project);
if (app.logger.hasErrors()) process.exitCode = 1;

/** Of a class or interface, what it has of its own: the rest stands where it comes from, and what an error is needs no words. */
function dropInherited(project: ProjectReflection, reflection: DeclarationReflection): void {
  const own = ({ name, inheritedFrom, overwrites, signatures }: DeclarationReflection) =>
    !inheritedFrom && !(name === "name" && overwrites) && !signatures?.every((signature) => signature.inheritedFrom);
  const dropped = new Set(reflection.children?.filter((child) => !own(child)));
  for (const group of reflection.groups ?? [])
    group.children = group.children.filter((child) => !dropped.has(child as DeclarationReflection));
  if (reflection.groups) reflection.groups = reflection.groups.filter(({ children }) => children.length > 0);
  for (const child of dropped) project.removeReflection(child);
}

/** A parameter that the source takes apart has no name of its own. */
function nameOptions(reflection: DeclarationReflection): void {
  for (const signature of [...(reflection.signatures ?? []), ...(reflection.children ?? []).flatMap((child) => child.signatures ?? [])]) {
    for (const parameter of signature.parameters ?? []) if (parameter.name === "__namedParameters") parameter.name = "options";
  }
}
