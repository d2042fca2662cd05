/**
 * Documents that can be run. In a document, a `bash` block is a command, all blocks of one document run in one shell,
 * and a `json` or `text` block right after it is what it prints. `sh` blocks are shown only: they hold something to
 * fill in, or need what a test has not.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import { systemVariables } from '../../devstack/environment.ts';

export const CHECKOUT = join(import.meta.dirname, '../..');
const BLOCK = /^```(\w+)\n([\s\S]*?)^```$/gm;
const RUN_TIMEOUT_MS = 8 * 60_000;
const MARK = '@@@ block';

interface Block {
  readonly language: string;
  readonly text: string;
  readonly line: number;
  /** Where the block ends, to know what follows it directly. */
  readonly endLine: number;
}

export interface Step {
  readonly line: number;
  readonly command: string;
  readonly expected: Pick<Block, 'language' | 'text'> | undefined;
}

function blocksOf(markdown: string): Block[] {
  return [...markdown.matchAll(BLOCK)].map((match) => {
    const [whole, language = '', text = ''] = match;
    const line = markdown.slice(0, match.index).split('\n').length;
    return { language, text, line, endLine: line + whole.split('\n').length };
  });
}

/** The commands of a document, each with what it should print. */
export function stepsOf(markdown: string): Step[] {
  const blocks = blocksOf(markdown);
  const lines = markdown.split('\n');
  return blocks.flatMap((block, index) => {
    if (block.language !== 'bash') return [];
    const next = blocks[index + 1];
    const between = lines.slice(block.endLine - 1, (next?.line ?? 0) - 1).join('');
    const follows = next !== undefined && between.trim() === '' && ['json', 'text'].includes(next.language);
    return [{ line: block.line, command: block.text, expected: follows ? next : undefined }];
  });
}

export function readDocument(path: string): string {
  return readFileSync(join(CHECKOUT, path), 'utf8');
}

export interface StepResult {
  readonly step: Step;
  /** Undefined where the shell ended before. */
  readonly output: string | undefined;
  readonly exitCode: number | undefined;
}

export interface DocumentRun {
  readonly settings: Readonly<Record<string, string>>;
  /** Texts of the document and what replaces them here: mostly addresses. */
  readonly replaced?: Readonly<Record<string, string>>;
  readonly folder?: string;
  /** Which of its commands; all when left out. */
  readonly only?: (step: Step) => boolean;
}

/** Runs all commands of a document in one shell, as somebody would who types them one after the other. */
export async function runDocument(path: string, run: DocumentRun): Promise<StepResult[]> {
  const steps = stepsOf(readDocument(path)).filter(run.only ?? (() => true));
  const script = steps
    .map(({ command }, index) => `echo '${MARK} ${index}'\nfailed=0\n${command}\necho "${MARK} end $failed"\n`)
    .join('');
  const replaced = Object.entries(run.replaced ?? {}).reduce((text, [from, to]) => text.replaceAll(from, to), script);
  const { all } = await execa('bash', ['-s'], {
    // Any command of a block counts, not only its last one.
    input: `exec 2>&1\ntrap 'failed=$?' ERR\n${replaced}`,
    cwd: run.folder ?? CHECKOUT,
    env: { ...systemVariables(), NO_PROXY: '127.0.0.1,localhost', ...run.settings },
    extendEnv: false,
    timeout: RUN_TIMEOUT_MS,
    reject: false,
    all: true,
  });
  return steps.map((step, index) => {
    const found = new RegExp(`${MARK} ${index}\\n([\\s\\S]*?)\\n?${MARK} end (\\d+)\\n?`).exec(all);
    return { step, output: found?.[1], exitCode: found ? Number(found[2]) : undefined };
  });
}

const envelopeCode = z.looseObject({ code: z.number() });

/** Why a step did not do what the document says; undefined where it did. */
export function complaintOf({ step, output, exitCode }: StepResult): string | undefined {
  if (output === undefined) return `line ${step.line}: the shell ended before`;
  const wrong = mismatchOf(step, output);
  if (exitCode === 0 && wrong === undefined) return undefined;
  return `line ${step.line}: ${wrong ?? `exit code ${exitCode}`}\n${step.command}printed:\n${output}`;
}

function mismatchOf({ expected }: Step, output: string): string | undefined {
  if (expected === undefined) {
    const code = envelopeCode.safeParse(parsed(output)).data?.code ?? 200;
    return code === 200 ? undefined : `an answer with code ${code}`;
  }
  if (expected.language === 'text') return missingLine(expected.text, output);
  const actual = parsed(output);
  return actual === undefined ? 'no JSON' : differenceOf(JSON.parse(expected.text), actual, '');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text.trim().split('\n').at(-1) ?? '');
  } catch {
    return undefined;
  }
}

/** Lines in the order of the document; `…` matches anything. */
function missingLine(expected: string, output: string): string | undefined {
  const lines = output.split('\n');
  let from = 0;
  for (const line of expected.trim().split('\n')) {
    const at = lines.findIndex((candidate, index) => index >= from && matches(line, candidate));
    if (at < 0) return `no line like: ${line}`;
    from = at + 1;
  }
  return undefined;
}

function matches(pattern: string, text: string): boolean {
  const parts = pattern
    .trim()
    .split('…')
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('[\\s\\S]*')}$`).test(text.trim());
}

/** Fields that the document shows must be there and the same; ids are numbers of the database, so only of one kind. */
function differenceOf(expected: unknown, actual: unknown, path: string): string | undefined {
  if (typeof expected === 'string') {
    const same = typeof actual === 'string' && matches(expected, actual);
    return same ? undefined : `${path} is ${JSON.stringify(actual)}, not like ${JSON.stringify(expected)}`;
  }
  if (expected === null || typeof expected !== 'object') {
    const isId = typeof expected === 'number' && /(^|\.)(id|\w+Id)$/.test(path);
    const same = isId ? typeof actual === 'number' : actual === expected;
    return same ? undefined : `${path} is ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`;
  }
  if (actual === null || typeof actual !== 'object') return `${path} is ${JSON.stringify(actual)}`;
  const fields = new Map<string, unknown>(Object.entries(actual));
  for (const [name, value] of Object.entries(expected)) {
    const difference = differenceOf(value, fields.get(name), path === '' ? name : `${path}.${name}`);
    if (difference !== undefined) return difference;
  }
  return undefined;
}
