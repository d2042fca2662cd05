/** What went wrong, as a message beside the page. */
import { notifications } from '@mantine/notifications';
import { ApiError } from '../api/api-error.ts';
import { i18n } from '../language/language.ts';

/** In words: what the API said, that it was not reached, or that the page itself has failed. */
export function failureText(error: unknown): string {
  // What fetch throws when there is no answer, or none in time.
  if (error instanceof TypeError || error instanceof DOMException) return i18n.t('failure.unreachable');
  if (!(error instanceof ApiError)) return i18n.t('failure.unexpected');
  const fields = error.fields.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
  return fields.length > 0 ? fields.join('; ') : error.message;
}

export function showFailure(error: unknown): void {
  const traceId = error instanceof ApiError ? error.traceId : undefined;
  const trace = traceId === undefined ? '' : ` (${i18n.t('failure.trace')} ${traceId})`;
  notifications.show({
    ...{ color: 'red', title: i18n.t('failure.title'), message: failureText(error) + trace },
    closeButtonProps: { 'aria-label': i18n.t('action.close') },
  });
}
