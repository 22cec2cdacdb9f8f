// The imports of a source file, read from its syntax tree, for the tests of the architecture.
import ts from "typescript";

export interface Import {
  /** What is imported, as it is written: "./stage.ts", "node:fs", "zod". */
  readonly target: string;
  /** Whether the compiler erases it: `import type` and `export type`. An import whose names are all marked `type` one by one stays. */
  readonly typeOnly: boolean;
  /** Whether it is an `import()` expression. */
  readonly dynamic: boolean;
}

/** Every import, re-export and `import()` of a source. */
export function importsOf(source: string): Import[] {
  const imports: Import[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
      imports.push({
        target: node.moduleSpecifier.text,
        typeOnly: node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword,
        dynamic: false,
      });
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier && ts.isStringLiteral(node.moduleSpecifier)) {
      imports.push({ target: node.moduleSpecifier.text, typeOnly: node.isTypeOnly, dynamic: false });
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal)) {
      imports.push({ target: node.argument.literal.text, typeOnly: true, dynamic: false });
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [target] = node.arguments;
      if (target && ts.isStringLiteral(target)) imports.push({ target: target.text, typeOnly: false, dynamic: true });
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile("source.ts", source, ts.ScriptTarget.Latest));
  return imports;
}
