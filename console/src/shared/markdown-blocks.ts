/** A text of Markdown in pieces that can be shown one by one. Pure. */

export interface Block {
  readonly text: string;
  /** Shown as it is written: it would take a browser too long, or fill its stack. */
  readonly isPlain: boolean;
}

/** Of one piece: a hundred rows of a table, or many screens of a paragraph. */
const MOST_CHARACTERS = 8_000;
/** Quotes and lists within each other, at the beginning of a line. */
const TOO_DEEP = /^(?:[ \t]*(?:>|[-*+][ \t]|\d+[.)][ \t])){16}/m;
/** What may begin or end emphasis or a link: each is looked for among all others. */
const MARKS = /[*_~\]]/g;
const MOST_MARKS = 800;
const FENCE = /^ {0,3}(`{3,}|~{3,})/;
const BLANK = /^[ \t]*\n?$/;

/**
 * A new one begins after an empty line, outside of fenced code, where a line stands at the margin. The pieces of a text
 * that grows stay the same but for the last, so only that one has to be made anew.
 */
export function blocksOf(text: string): Block[] {
  const blocks: string[] = [];
  let block = '';
  let fence: string | undefined;
  let isAfterBlank = false;
  for (const line of text.split(/(?<=\n)/)) {
    if (fence === undefined && isAfterBlank && /^\S/.test(line)) {
      blocks.push(block);
      block = '';
    }
    const [, mark] = FENCE.exec(line) ?? [];
    if (mark !== undefined && fence === undefined) fence = mark;
    else if (mark?.startsWith(fence ?? mark)) fence = undefined;
    block += line;
    isAfterBlank = BLANK.test(line);
  }
  if (block !== '') blocks.push(block);
  return blocks.map((each) => ({ text: each, isPlain: isPlain(each) }));
}

function isPlain(block: string): boolean {
  return block.length > MOST_CHARACTERS || TOO_DEEP.test(block) || (block.match(MARKS)?.length ?? 0) > MOST_MARKS;
}
