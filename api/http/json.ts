/** Text of a request body → a value that is safe to hand on. Pure. */
import { isUtf8 } from 'node:buffer';
import { AppError, invalid } from '../../infra/errors.ts';
import { jsonExcess } from '../../infra/json-excess.ts';
import { isInheritedName } from '../../infra/json-object.ts';

/** A double holds every decimal number of 15 significant digits exactly enough to be written back unchanged. */
const EXACT_DIGITS = 15;

/** `plain`: numbers are doubles. `exact`: numbers with more than 15 significant digits stay as their source text. */
export type NumberReading = 'plain' | 'exact';

/**
 * Of half a character in a text. `repaired`: it becomes U+FFFD, because a client that has cut an emoji in two sends it with
 * every later call of the conversation.
 */
export type SurrogateReading = 'refused' | 'repaired';

/**
 * Parses a JSON body; an empty body is `{}`.
 * @throws {AppError} malformedBody; invalidParameter for too much structure, or a name with an unpaired surrogate or that
 * every object has by itself: `__proto__` anywhere, `constructor` and the like as a field of the body.
 */
export function parseJson(bytes: Buffer, numbers: NumberReading, surrogates: SurrogateReading = 'refused'): unknown {
  if (bytes.length === 0) return {};
  if (!isUtf8(bytes)) throw new AppError('malformedBody', 'the request body is not valid UTF-8');
  const excess = jsonExcess(bytes);
  if (excess) throw invalid([excess]);
  const text = bytes.toString('utf8').trim();
  if (text === '') return {};
  let value: unknown;
  try {
    value = numbers === 'exact' ? JSON.parse(text, keepLongNumbers) : JSON.parse(text);
  } catch (cause) {
    throw new AppError('malformedBody', 'the request body is not valid JSON', { cause });
  }
  if (typeof value !== 'string') {
    makeSafe(value, surrogates);
    return value;
  }
  if (surrogates === 'refused') refuseText(value, undefined, '');
  return value.toWellFormed();
}

function keepLongNumbers(this: unknown, _key: string, value: unknown, context: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || context.source === undefined) return value;
  return significantDigits(context.source) > EXACT_DIGITS ? context.source : value;
}

function significantDigits(source: string): number {
  const mantissa = source.split(/[eE]/, 1)[0] ?? '';
  return mantissa.replace(/\D/g, '').replace(/^0+/, '').length;
}

interface Level {
  readonly value: object;
  readonly key: string;
  readonly parent: Level | undefined;
}

/** Walks without recursion, so that no body can exhaust the stack. */
function makeSafe(root: unknown, surrogates: SurrogateReading): void {
  if (typeof root !== 'object' || root === null) return;
  const pending: Level[] = [{ value: root, key: '', parent: undefined }];
  for (let level = pending.pop(); level !== undefined; level = pending.pop()) makeSafeIn(level, pending, surrogates);
}

function makeSafeIn(level: Level, pending: Level[], surrogates: SurrogateReading): void {
  const named = !Array.isArray(level.value);
  if (Array.isArray(level.value) && level.value.every((one) => typeof one === 'number')) return;
  // Parsed JSON has own enumerable members only, so that `in` sees just those, and without a copy.
  for (const key in level.value) {
    if (named) refuseKey(key, level);
    const child: unknown = Reflect.get(level.value, key);
    if (typeof child === 'string') {
      if (surrogates === 'refused') refuseText(child, level, key);
      else if (!child.isWellFormed()) Reflect.set(level.value, key, child.toWellFormed());
    } else if (typeof child === 'object' && child !== null) {
      pending.push({ value: child, key, parent: level });
    }
  }
}

function refuseKey(key: string, level: Level): void {
  if (key === '__proto__' || (level.parent === undefined && isInheritedName(key))) {
    throw invalid([{ path: [...pathOf(level), key].join('.'), message: 'is not an allowed name' }]);
  }
  refuseText(key, level, '(name)');
}

function refuseText(text: string, level: Level | undefined, key: string): void {
  if (text.isWellFormed()) return;
  throw invalid([{ path: [...pathOf(level), key].join('.'), message: 'contains an unpaired surrogate' }]);
}

function pathOf(level: Level | undefined): string[] {
  const path: string[] = [];
  for (let at = level; at?.parent !== undefined; at = at.parent) path.unshift(at.key);
  return path;
}

/** Whether a Content-Type is JSON in UTF-8. A body without a Content-Type is taken as JSON. */
export function isJsonType(contentType: string | undefined): boolean {
  if (contentType === undefined || contentType === 'application/json') return true;
  const [type = '', ...parameters] = contentType
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  if (type !== 'application/json' && !/^application\/[\w.-]+\+json$/.test(type)) return false;
  const charset = parameters.find((parameter) => parameter.startsWith('charset='))?.slice(8);
  return charset === undefined || ['utf-8', 'utf8', '"utf-8"'].includes(charset);
}
