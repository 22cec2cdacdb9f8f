// Snippets: the fenced blocks of the docs that can be run, and what they promise.

/** Languages whose blocks must be run, or say why not. */
export const runnable = ["ts", "js", "sh", "python"] as const;
export type Language = (typeof runnable)[number];

export interface Snippet {
  readonly language: Language;
  readonly text: string;
  /** Line of the opening fence, from 1. */
  readonly line: number;
  /** Why it isn't run, from `<!-- not run: … -->` above it. */
  readonly notRun?: string;
}

const fence = /^( *)```(\S*)\n([\s\S]*?)^ *```$/gm;
const marker = /<!-- not run: ([^\n]*?) -->\n*$/;

/** The blocks in a runnable language, in order. */
export function snippetsOf(markdown: string): Snippet[] {
  const found: Snippet[] = [];
  for (const { 0: _, 1: indent = "", 2: language = "", 3: body = "", index } of markdown.matchAll(fence)) {
    const before = markdown.slice(0, index);
    const line = before.split("\n").length;
    if (!(runnable as readonly string[]).includes(language)) continue;
    const text = indent ? body.replaceAll(new RegExp(`^${indent}`, "gm"), "") : body;
    const notRun = marker.exec(before)?.[1];
    found.push({ language: language as Language, text, line, ...(notRun !== undefined && { notRun }) });
  }
  return found;
}

/** Lines at which blocks begin that look like commands or code and name no language. */
export function unnamedBlocks(markdown: string): number[] {
  const blocks = [...markdown.matchAll(fence)].filter(([, , language, body = ""]) => {
    return language === "" && /^ *(\$ |ostinato |npm |npx |node |import )/m.test(body);
  });
  return blocks.map(({ index }) => markdown.slice(0, index).split("\n").length);
}

/** What a snippet says it prints: the rest of each line behind `// → ` or `# → `. */
export function promises(text: string): string[] {
  return [...text.matchAll(/(?:\/\/|#) → (.*)$/gm)].map((match) => match[1]!.trim());
}

/** The first promise that no line of the output keeps, in order; "…" in it stands for anything. */
export function brokenPromise(text: string, output: string): string | undefined {
  const lines = output.split("\n").map((line) => line.trim());
  let from = 0;
  return promises(text).find((promise) => {
    const pattern = new RegExp(`^${promise.split("…").map(literal).join(".*")}$`);
    const at = lines.findIndex((line, i) => i >= from && pattern.test(line));
    from = at + 1;
    return at < 0;
  });
}

function literal(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
