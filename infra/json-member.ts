/** Changes one member of a JSON text and leaves every other byte as it is. Pure. */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** @param json text that has been parsed as an object. @returns it with another value for a member of the object itself. */
export function withMember(json: string, name: string, value: string): string {
  const wanted = JSON.stringify(name);
  let depth = 0;
  let isKey = false;
  let kept = '';
  let keptTo = 0;
  for (let at = 0; at < json.length; at += 1) {
    const character = json[at];
    if (character === '"') {
      const end = endOfText(json, at);
      if (depth === 1 && isKey && json.slice(at, end) === wanted) {
        const [start, stop] = textAfter(json, end);
        if (stop > start) {
          kept += json.slice(keptTo, start) + JSON.stringify(value);
          keptTo = stop;
          at = stop - 1;
          continue;
        }
      }
      at = end - 1;
    } else if (character === '{' || character === '[') {
      depth += 1;
      isKey = character === '{';
    } else if (character === '}' || character === ']') {
      depth -= 1;
      isKey = false;
    } else if (character === ':') isKey = false;
    else if (character === ',') isKey = depth === 1;
  }
  return kept + json.slice(keptTo);
}

/** The index behind the closing quote. */
function endOfText(json: string, start: number): number {
  for (let at = start + 1; at < json.length; at += 1) {
    const code = json.charCodeAt(at);
    if (code === BACKSLASH) at += 1;
    else if (code === QUOTE) return at + 1;
  }
  return json.length;
}

/** The place of the text that is the member's value; empty where the value is none. */
function textAfter(json: string, at: number): readonly [number, number] {
  const found = /^\s*:\s*(?=")/.exec(json.slice(at, at + 100));
  if (found === null) return [at, at];
  const start = at + found[0].length;
  return [start, endOfText(json, start)];
}
