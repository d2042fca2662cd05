/**
 * What the API says, in a language of the console. Both languages together are a file of their own, which is fetched with
 * the first failure or the first view that names what the API names.
 */
import * as en from './en/api.ts';
import * as zh from './zh/api.ts';
import { messages } from './zh/messages.ts';

const WORDS = { en, zh };
type Language = keyof typeof WORDS;

function member(words: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(words, name) ? words[name] : undefined;
}

/** A failure by its code; undefined for a code of a later version. */
export function errorWords(code: number, language: Language): string | undefined {
  return member(WORDS[language].errors, String(code));
}

/** What was done, by the audit log's name for it. */
export function actionWords(action: string, language: Language): string {
  return member(WORDS[language].actions, action) ?? action;
}

/** A value of the audit log, which may be any text. */
export function valueWords(value: string, language: Language): string {
  return member(WORDS[language].values, value) ?? value;
}

/** `pricing.rules.0.input` as `Price · Rules · 1 · Input`. What has no words is named as the API does. */
export function fieldWords(path: string, language: Language): string {
  const { fields } = WORDS[language];
  const words = path.split('.').map((name) => {
    return /^\d+$/.test(name) ? String(Number(name) + 1) : (member(fields, name) ?? name);
  });
  return words.join(' · ');
}

interface Form {
  readonly pattern: RegExp;
  readonly names: readonly string[];
  readonly words: string;
}

const PLACE = /\{(\w+)\}/;

function formOf([text, words]: [string, string]): Form {
  const parts = text.split(PLACE);
  const escaped = parts.map((part, at) => (at % 2 === 1 ? '(.+)' : part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')));
  return { pattern: new RegExp(`^${escaped.join('')}$`, 's'), names: parts.filter((_, at) => at % 2 === 1), words };
}

/** What is the same in all cases is longest first: of two forms that fit, that says more. */
const FORMS: readonly Form[] = Object.entries(messages)
  .sort(([one], [other]) => fixed(other) - fixed(one))
  .map(formOf);

function fixed(text: string): number {
  return text.replaceAll(/\{\w+\}/g, '').length;
}

/** @returns undefined where the message has no known form. */
function translated(message: string): string | undefined {
  for (const { pattern, names, words } of FORMS) {
    const found = pattern.exec(message);
    if (found === null) continue;
    return names.reduce((text, name, at) => text.replace(`{${name}}`, () => found[at + 1] ?? ''), words);
  }
  return undefined;
}

/** `apiKey: the provider has this key already`, where the field stands in the message. */
const WITH_FIELD = /^([\w.-]+): (.+)$/s;
/** Fields and roles within a message. */
const API_NAME = /\b(?:[a-z]+[A-Z]\w*|ROLE_[A-Z_]+)\b/g;

/**
 * A message about a failure or a field; in English where its form is not known.
 * @param role in words.
 */
export function messageWords(message: string, language: Language, role: (name: string) => string): string {
  const text = language === 'en' ? message : (translated(message) ?? translatedWithField(message, language) ?? message);
  return text.replaceAll(API_NAME, (name) => {
    const words = name.startsWith('ROLE_') ? role(name) : member(WORDS[language].fields, name);
    return words === undefined ? name : `“${words}”`;
  });
}

function translatedWithField(message: string, language: Language): string | undefined {
  const [, field = '', rest = ''] = WITH_FIELD.exec(message) ?? [];
  const words = translated(rest);
  return words === undefined ? undefined : `${fieldWords(field, language)}：${words}`;
}
