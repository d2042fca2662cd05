/** What went wrong, as a message beside the page. */
import { notifications } from '@mantine/notifications';
import { ApiError } from '../api/api-error.ts';
import { i18n } from '../language/language.ts';

/** In words: what the API said, or that it was not reached. */
export function failureText(error: unknown): string {
  if (!(error instanceof ApiError)) return i18n.t('failure.unreachable');
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
