/** Sign-in and sign-up. */
import { Anchor, Button, PasswordInput, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import { tellOtherTabs } from '../session.tsx';
import { fieldErrors } from '../shared/form.ts';
import { SignedOutFrame } from '../shared/signed-out-frame.tsx';

export default function SignIn() {
  const { t } = useTranslation();
  const [isNew, setIsNew] = useState(false);
  const form = useForm({ initialValues: { username: '', password: '', email: '' } });
  const showAtFields = (error: unknown) => form.setErrors(fieldErrors(error));
  const signIn = api.useMutation('post', '/v1/auth/session', { onSuccess: tellOtherTabs, onError: showAtFields });
  const register = api.useMutation('post', '/v1/auth/register', { onError: showAtFields });
  const enter = async ({ username, password, email }: typeof form.values) => {
    if (isNew) await register.mutateAsync({ body: { username, password, email } });
    await signIn.mutateAsync({ body: { username, password } });
  };
  // A failure has been shown, at its field and beside the page.
  const send = form.onSubmit((values) => enter(values).catch(() => undefined));
  return (
    <SignedOutFrame title={t(isNew ? 'signIn.signUp' : 'signIn.title')}>
      <form onSubmit={send}>
        <Stack>
          <TextInput label={t('field.username')} autoComplete="username" required {...form.getInputProps('username')} />
          {isNew && (
            <TextInput
              label={t('field.email')}
              description={t('signIn.emailOptional')}
              type="email"
              autoComplete="email"
              {...form.getInputProps('email')}
            />
          )}
          <PasswordInput
            label={t('field.password')}
            autoComplete={isNew ? 'new-password' : 'current-password'}
            required
            visibilityToggleButtonProps={{ 'aria-label': t('signIn.showPassword') }}
            {...form.getInputProps('password')}
          />
          <Button type="submit" loading={signIn.isPending || register.isPending}>
            {t(isNew ? 'signIn.signUp' : 'signIn.title')}
          </Button>
          <Anchor component="button" type="button" size="sm" onClick={() => setIsNew(!isNew)}>
            {t(isNew ? 'signIn.haveAccount' : 'signIn.newAccount')}
          </Anchor>
        </Stack>
      </form>
    </SignedOutFrame>
  );
}
