/** Finds out when a JSON object that comes in pieces has ended. Each piece is looked at once. */
import { isJsonObject, parseJson } from './json-object.ts';

export class JsonObjectEnd {
  #text = '';
  #state: 'before' | 'inside' | 'ended' | 'no-object' = 'before';
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  #isValid: boolean | undefined;

  add(piece: string): void {
    this.#text += piece;
    for (const character of piece) this.#look(character);
  }

  /** All that has come. */
  get text(): string {
    return this.#text;
  }

  /** Whether what has come is one whole object, and nothing else. */
  get isWhole(): boolean {
    if (this.#state !== 'ended') return false;
    this.#isValid ??= isJsonObject(parseJson(this.#text));
    return this.#isValid;
  }

  #look(character: string): void {
    if (this.#state === 'inside') this.#lookInside(character);
    else if (!/\s/.test(character)) {
      this.#state = this.#state === 'before' && character === '{' ? 'inside' : 'no-object';
      this.#depth = 1;
    }
  }

  #lookInside(character: string): void {
    if (this.#isInString) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (character === '\\') this.#isEscaped = true;
      else if (character === '"') this.#isInString = false;
    } else if (character === '"') this.#isInString = true;
    else if (character === '{' || character === '[') this.#depth += 1;
    else if (character === '}' || character === ']') {
      this.#depth -= 1;
      if (this.#depth === 0) this.#state = 'ended';
    }
  }
}
