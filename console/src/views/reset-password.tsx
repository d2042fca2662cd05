/** Where the token of a link, which an administrator has made, becomes a new password. */
import { Anchor, Button, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useTranslation } from 'react-i18next';
import { Link, useLocation } from 'react-router';
import { api } from '../api/client.ts';
import { fieldErrors } from '../shared/form.ts';
import { SignedOutFrame } from '../shared/signed-out-frame.tsx';

/** @returns the link to give away. The token follows the hash, which a browser sends to no server. */
export function resetLink(token: string): string {
  return `${location.origin}${import.meta.env.BASE_URL}reset#${encodeURIComponent(token)}`;
}

function tokenOf(hash: string): string {
  try {
    return decodeURIComponent(hash.slice(1));
  } catch {
    return '';
  }
}

export default function ResetPassword() {
  const { t } = useTranslation();
  const { hash } = useLocation();
  const form = useForm({ initialValues: { token: tokenOf(hash), newPassword: '' } });
  const reset = api.useMutation('post', '/v1/auth/reset-password', {
    // The token is good once: it need not stay in the history.
    onSuccess: () => history.replaceState(history.state, '', location.pathname),
    onError: (error) => form.setErrors(fieldErrors(error)),
  });
  return (
    <SignedOutFrame title={t('reset.heading')}>
      <form onSubmit={form.onSubmit((body) => reset.mutate({ body }))}>
        <Stack>
          {reset.isSuccess ? (
            <Text role="status">{t('reset.done')}</Text>
          ) : (
            <>
              {tokenOf(hash) === '' && (
                <TextInput label={t('reset.token')} autoComplete="off" required {...form.getInputProps('token')} />
              )}
              <PasswordInput
                label={t('profile.newPassword')}
                description={t('reset.about')}
                autoComplete="new-password"
                required
                data-autofocus
                visibilityToggleButtonProps={{ 'aria-label': t('signIn.showPassword') }}
                {...form.getInputProps('newPassword')}
              />
              <Button type="submit" loading={reset.isPending}>
                {t('action.save')}
              </Button>
            </>
          )}
          <Anchor component={Link} to="/" size="sm">
            {t('signIn.title')}
          </Anchor>
        </Stack>
      </form>
    </SignedOutFrame>
  );
}
