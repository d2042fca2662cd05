/**
 * What the API's source says to callers: the texts of its failures and of what it says about fields, with `{…}` where one
 * differs from case to case.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const CHECKOUT = join(import.meta.dirname, '../..');
/** Nobody reads these in the console: what runs at the start, and interfaces that programs alone speak. */
const NOT_ASKED = [
  /\.(test|fixture)\.ts$/,
  /^infra\/config/,
  /^api\/http\/(anthropic-form|edit-form)\.ts$/,
  /^api\/routes\/(anthropic|audio|batches|embeddings|files|moderations|openai-images|payments|rerank|responses)/,
  /^activities\/(batches|inference\/(messages|request-files|responses)|jobs\/response-jobs|orders\/payments|orders\/providers)/,
  /^core\/providers\/(?!address|failure|images|needs|vendors)/,
];
/** Classes whose second argument is said to the caller. */
const FAILURES = ['AppError', 'UpstreamFailure'];
/** How many steps lead from a message to its text at most: constants, functions, arguments. */
const MOST_STEPS = 6;

/** Named declarations of one file, and calls by the name that is called. */
interface Names {
  readonly constants: Map<string, ts.Expression[]>;
  readonly functions: Map<string, ts.FunctionLikeDeclaration[]>;
  readonly calls: Map<string, ts.NodeArray<ts.Expression>[]>;
}

function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  node.forEachChild((child) => walk(child, visit));
}

function add<T>(map: Map<string, T[]>, name: string, value: T): void {
  map.set(name, [...(map.get(name) ?? []), value]);
}

function namesOf(source: ts.SourceFile): Names {
  const names: Names = { constants: new Map(), functions: new Map(), calls: new Map() };
  walk(source, (node) => {
    if (ts.isVariableDeclaration(node) && ts.isIdentifier(node.name) && node.initializer) {
      add(names.constants, node.name.text, node.initializer);
      if (ts.isArrowFunction(node.initializer)) add(names.functions, node.name.text, node.initializer);
    }
    if (ts.isFunctionDeclaration(node) && node.name) add(names.functions, node.name.text, node);
    if (ts.isCallExpression(node) && ts.isIdentifier(node.expression)) {
      add(names.calls, node.expression.text, node.arguments);
    }
  });
  return names;
}

function returned(of: ts.FunctionLikeDeclaration): ts.Expression[] {
  if (of.body === undefined) return [];
  if (!ts.isBlock(of.body)) return [of.body];
  const found: ts.Expression[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node)) return;
    if (ts.isReturnStatement(node) && node.expression) found.push(node.expression);
    node.forEachChild(visit);
  };
  of.body.forEachChild(visit);
  return found;
}

/** What is given for a parameter wherever its function is called in the file. */
function givenFor(name: ts.Identifier, { calls }: Names): ts.Expression[] | undefined {
  for (let node: ts.Node = name; !ts.isSourceFile(node); node = node.parent) {
    if (!ts.isFunctionLike(node)) continue;
    const at = node.parameters.findIndex((one) => ts.isIdentifier(one.name) && one.name.text === name.text);
    if (at === -1) continue;
    const holder = ts.isArrowFunction(node) ? node.parent : node;
    const called = ts.isVariableDeclaration(holder) || ts.isFunctionDeclaration(holder) ? holder.name : undefined;
    const all = called && ts.isIdentifier(called) ? (calls.get(called.text) ?? []) : [];
    return all.flatMap((given) => given[at] ?? []);
  }
  return undefined;
}

/** The texts that an expression may be; of what comes from elsewhere none. */
function textsOf(node: ts.Expression, names: Names, steps = 0): string[] {
  if (steps > MOST_STEPS) return [];
  const all = (nodes: readonly ts.Expression[]) => nodes.flatMap((one) => textsOf(one, names, steps + 1));
  if (ts.isStringLiteralLike(node)) return [node.text];
  if (ts.isTemplateExpression(node)) {
    return [node.head.text + node.templateSpans.map(({ literal }) => `{…}${literal.text}`).join('')];
  }
  if (ts.isConditionalExpression(node)) return all([node.whenTrue, node.whenFalse]);
  if (ts.isBinaryExpression(node)) return all([node.left, node.right]);
  if (ts.isParenthesizedExpression(node) || ts.isAsExpression(node)) return all([node.expression]);
  if (ts.isElementAccessExpression(node)) return all([node.expression]);
  if (ts.isObjectLiteralExpression(node)) {
    return node.properties.flatMap((one) => (ts.isPropertyAssignment(one) ? all([one.initializer]) : []));
  }
  if (ts.isIdentifier(node)) return all(givenFor(node, names) ?? names.constants.get(node.text) ?? []);
  if (ts.isCallExpression(node) && ts.isIdentifier(node.expression)) {
    const given = (givenFor(node.expression, names) ?? []).filter(ts.isArrowFunction);
    return [...(names.functions.get(node.expression.text) ?? []), ...given].flatMap((one) => all(returned(one)));
  }
  return [];
}

/** Where an expression is said to a caller. */
function saidIn(node: ts.Node): ts.Expression[] {
  if (ts.isNewExpression(node) && FAILURES.includes(node.expression.getText()))
    return [...(node.arguments ?? [])].slice(1, 2);
  if (ts.isObjectLiteralExpression(node)) return node.properties.flatMap(messageOf);
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return [];
  const method = node.expression.name.text;
  const last = node.arguments.at(-1);
  if (last === undefined) return [];
  if (method === 'addIssue' || method === 'uuid') return [last];
  const isCheck = ['regex', 'min', 'max', 'refine'].includes(method) && node.arguments.length === 2;
  if (!isCheck || node.expression.expression.getText() === 'Math') return [];
  return ts.isObjectLiteralExpression(last) ? last.properties.flatMap((one) => initializerOf(one, 'error')) : [last];
}

function messageOf(property: ts.ObjectLiteralElementLike): ts.Expression[] {
  return initializerOf(property, 'message');
}

function initializerOf(property: ts.ObjectLiteralElementLike, name: string): ts.Expression[] {
  if (property.name?.getText() !== name) return [];
  if (ts.isPropertyAssignment(property)) return [property.initializer];
  return ts.isShorthandPropertyAssignment(property) ? [property.name] : [];
}

/** Every text once, with the file that says it. */
export function saidByApi(): ReadonlyMap<string, string> {
  const said = new Map<string, string>();
  for (const path of globSync('{api,core,infra,activities}/**/*.ts', { cwd: CHECKOUT })) {
    if (NOT_ASKED.some((pattern) => pattern.test(path))) continue;
    const text = readFileSync(join(CHECKOUT, path), 'utf8');
    const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
    const names = namesOf(source);
    walk(source, (node) => {
      for (const one of saidIn(node).flatMap((expression) => textsOf(expression, names))) said.set(one, path);
    });
  }
  return said;
}
