/** What of an error a caller is told: bounded in size, and without keys and tokens that stood in a wrong place. */
import type { AppError, FieldError } from '../../infra/errors.ts';
import { scrub } from '../../infra/secrets.ts';

/** No refusal is larger, whatever was sent: an error must not cost more than the request. */
const MAX_BYTES = 16 * 1024;
const MAX_MESSAGE = 2_000;
const MAX_PATH = 200;
const MAX_FIELD_MESSAGE = 300;
/** Enough for the parts above at six bytes a character. */
const MOST_HALVINGS = 5;

/** The parts of an error as they are told. */
export interface Told {
  readonly message: string;
  readonly errors: readonly FieldError[] | undefined;
  readonly param: string | undefined;
}

/** The text of a refusal, as `render` makes it of what is told; fewer fields are named where they are too large. */
export function refusalText(error: AppError, render: (told: Told) => string): string {
  const { errors, param } = error.details;
  let told: Told = {
    message: clipped(error.message, MAX_MESSAGE),
    errors: errors?.map(({ path, message }) => ({
      path: clipped(path, MAX_PATH),
      message: clipped(message, MAX_FIELD_MESSAGE),
    })),
    param: param === undefined ? undefined : clipped(param, MAX_PATH),
  };
  let text = render(told);
  // Characters that JSON or UTF-8 writes with up to six bytes.
  for (let left = MOST_HALVINGS; left > 0 && Buffer.byteLength(text) > MAX_BYTES; left--) {
    const half = told.errors?.slice(0, Math.floor(told.errors.length / 2));
    told = { ...told, errors: half, message: clipped(told.message, Math.floor(told.message.length / 2)) };
    text = render(told);
  }
  return text;
}

function clipped(text: string, most: number): string {
  const clean = scrub(text.slice(0, most + 1));
  return clean.length <= most ? clean : `${clean.slice(0, Math.max(most - 1, 0))}…`;
}
