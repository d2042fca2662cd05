/**
 * Errors of a chat that a client asked for in another form: they name the fields of its own request, also where a provider
 * names those of the chat that it was sent. Pure.
 */
import { UpstreamFailure } from '../../core/providers/failure.ts';
import { AppError, invalid } from '../../infra/errors.ts';

/** Where the client's request has one message of the chat. */
export interface MessagePath {
  readonly path: string;
  /** The same for each call of a tool in it, where these have places of their own. */
  readonly calls?: readonly string[];
}

/** Where the client's request has what stands in the chat. */
export interface ClientPaths {
  readonly messages: readonly MessagePath[];
  /** By names of the chat; the others are the same. */
  readonly fields: Readonly<Record<string, string>>;
}

/** @returns what was thrown, with the client's paths; anything but an error for the client as it is. */
export function inClientPaths(thrown: unknown, paths: ClientPaths | undefined): unknown {
  if (paths === undefined) return thrown;
  const { message } = thrown instanceof Error ? thrown : { message: '' };
  if (thrown instanceof UpstreamFailure) {
    const { failure, details } = thrown;
    const param = details.param === undefined ? {} : { param: pathOf(details.param, paths) };
    return new UpstreamFailure(failure, inText(message, paths), { ...details, ...param });
  }
  if (!(thrown instanceof AppError)) return thrown;
  const { errors, param } = thrown.details;
  if (errors !== undefined)
    return invalid(
      errors.map((error) => ({ ...error, path: pathOf(error.path, paths) })),
      thrown.kind,
    );
  if (param === undefined) return thrown;
  return new AppError(thrown.kind, inText(message, paths), { ...thrown.details, param: pathOf(param, paths) });
}

/** `messages[1].content[0].text`, as vendors write it, also with dots. */
const IN_MESSAGE = /\bmessages(?:\.?\[(\d+)\]|\.(\d+))((?:\.?\[\w+\]|\.\w+)*)/g;
/** The rest of a name: of a tool, or of a part of a field. */
const REST = String.raw`(?:\.?\[\w+\]|\.\w+)*`;
/** Other names are words of a sentence, too, unless a place in a list follows. */
const NO_WORD = /_/;

function pathOf(path: string, paths: ClientPaths): string {
  const [name = ''] = /^\w+/.exec(path) ?? [];
  return name === 'messages' ? inMessages(path, paths) : (paths.fields[name] ?? path);
}

function inText(text: string, paths: ClientPaths): string {
  let said = inMessages(text, paths);
  for (const [name, path] of Object.entries(paths.fields)) {
    const end = NO_WORD.test(name) ? String.raw`(?!\w)` : String.raw`(?=\.?\[)`;
    said = said.replace(new RegExp(String.raw`(?<![\w.])${name}${end}${REST}`, 'g'), () => path);
  }
  return said;
}

function inMessages(text: string, { messages }: ClientPaths): string {
  return text.replace(IN_MESSAGE, (found, bracketed?: string, dotted?: string, rest = '') => {
    const message = messages[Number(bracketed ?? dotted)];
    if (message === undefined) return found;
    const call = /^\.tool_calls\.?\[?(\d+)/.exec(rest)?.[1];
    return message.calls?.[Number(call)] ?? message.path;
  });
}
