// Globs: path patterns, for shells that don't expand them and for lists too long for a command line.
//   *  anything within a name    **  any folders    ?  one character    [a-z]  one of these    {wav,mp3}  either

/** Whether a path that does not exist may be a pattern. */
export function isGlob(path: string): boolean {
  return /[*?[{]/.test(path);
}

/** The folder below which all matches lie: the path before the first component with a pattern. */
export function globRoot(pattern: string): string {
  const parts = pattern.split("/");
  const first = parts.findIndex(isGlob);
  return parts.slice(0, first).join("/") || (pattern.startsWith("/") ? "/" : ".");
}

/** A regular expression that matches whole paths in the form that `join(globRoot, …)` gives. */
export function globPattern(pattern: string): RegExp {
  const text = pattern.replace(/^(\.\/)+/, "").replace(/\/+/g, "/");
  let source = "";
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (text.startsWith("**/", i)) {
      source += "(?:[^/]+/)*";
      i += 2;
    } else if (text.startsWith("**", i)) {
      source += ".*";
      i += 1;
    } else if (c === "*") source += "[^/]*";
    else if (c === "?") source += "[^/]";
    else if (c === "[" || c === "{") {
      const end = text.indexOf(c === "[" ? "]" : "}", i + 2);
      if (end < 0) source += `\\${c}`;
      else {
        source +=
          c === "["
            ? characterClass(text.slice(i + 1, end))
            : `(?:${text
                .slice(i + 1, end)
                .split(",")
                .map(literal)
                .join("|")})`;
        i = end;
      }
    } else source += literal(c);
  }
  return new RegExp(`^(?:\\./)?${source}$`);
}

function characterClass(inside: string): string {
  const negated = /^[!^]/.test(inside);
  return `[${negated ? "^/" : ""}${inside.slice(negated ? 1 : 0).replace(/[\\\]^]/g, "\\$&")}]`;
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
