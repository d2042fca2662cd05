/** What went wrong, in words of the viewer's language. */
import { notifications } from '@mantine/notifications';
import { ApiError } from '../api/api-error.ts';
import { i18n, isLanguage, type Language } from '../language/language.ts';

type ApiWords = typeof import('../language/api-words.ts');
let words: ApiWords | undefined;

/** Before a failure is shown. Where the words cannot be fetched, the API's own are shown. */
export async function loadApiWords(): Promise<void> {
  words ??= await import('../language/api-words.ts').catch(() => undefined);
}

/** With a view that names what the API names. */
export async function withApiWords<View>(view: Promise<View>): Promise<View> {
  await loadApiWords();
  return view;
}

function language(): Language {
  return isLanguage(i18n.language) ? i18n.language : 'en';
}

/** A role by its name in words; of a later version as the API does. */
function roleText(name: string): string {
  switch (name) {
    case 'ROLE_USER':
    case 'ROLE_MODEL_ADMIN':
    case 'ROLE_ROOT_ADMIN':
      return i18n.t(`role.${name}`);
    default:
      return name;
  }
}

/** What the API says of a field, of a failure. */
export function messageText(message: string): string {
  return words?.messageWords(message, language(), roleText) ?? message;
}

/** A field of the API by the name that forms and lists have for it. */
export function fieldText(path: string): string {
  return words?.fieldWords(path, language()) ?? path;
}

/** What was done, of the audit log. */
export function actionText(action: string): string {
  return words?.actionWords(action, language()) ?? action;
}

/** A value of the audit log. */
export function valueText(value: string): string {
  const role = roleText(value);
  return role === value ? (words?.valueWords(value, language()) ?? value) : role;
}

/** The kind of a failure, in a few words. */
export function failureTitle(error: unknown): string {
  const known = error instanceof ApiError ? words?.errorWords(error.code || error.status, language()) : undefined;
  return known ?? i18n.t('failure.title');
}

/** What the API said, that it was not reached, or that the page itself has failed. */
export function failureText(error: unknown): string {
  // What fetch throws when there is no answer, or none in time.
  if (error instanceof TypeError || error instanceof DOMException) return i18n.t('failure.unreachable');
  if (!(error instanceof ApiError)) return i18n.t('failure.unexpected');
  const fields = error.fields.map(({ path, message }) => {
    return path === ''
      ? messageText(message)
      : i18n.t('failure.field', { field: fieldText(path), text: messageText(message) });
  });
  return fields.length > 0 ? fields.join(i18n.t('failure.and')) : messageText(error.message);
}

export function traceOf(error: unknown): string | undefined {
  return error instanceof ApiError ? error.traceId : undefined;
}

export function showFailure(error: unknown): void {
  const traceId = traceOf(error);
  const trace = traceId === undefined ? '' : ` (${i18n.t('failure.trace')} ${traceId})`;
  notifications.show({
    color: 'red',
    title: failureTitle(error),
    message: failureText(error) + trace,
    closeButtonProps: { 'aria-label': i18n.t('action.close') },
  });
}
