/** Something that cannot be undone is asked for once more. */
import { Button, type ButtonProps, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';

interface ConfirmProps extends ButtonProps {
  /** On the button, and as the title of the question. */
  readonly label: string;
  readonly question: ReactNode;
  /** Said to those who cannot see which row the button is in. */
  readonly about?: string;
  /** Whether it is done only with a reason, which the audit log keeps. */
  readonly needsReason?: boolean;
  /** Fulfilled when it is done; a failure leaves the question open. */
  readonly onConfirm: (reason: string) => Promise<unknown>;
}

const LONGEST_REASON = 255;

export function ConfirmButton({ label, question, about, needsReason = false, onConfirm, ...button }: ConfirmProps) {
  const { t } = useTranslation();
  const [opened, dialog] = useDisclosure();
  const [busy, work] = useDisclosure();
  const [reason, setReason] = useState('');
  const confirm = () => {
    work.open();
    // The failure has been shown.
    onConfirm(reason.trim())
      .then(dialog.close, () => undefined)
      .finally(work.close);
  };
  return (
    <>
      <Button
        variant="subtle"
        color="red"
        size="compact-sm"
        aria-label={about === undefined ? undefined : `${label}: ${about}`}
        {...button}
        onClick={dialog.open}
      >
        {label}
      </Button>
      <Modal opened={opened} onClose={dialog.close} title={label}>
        <Stack>
          <Text size="sm">{question}</Text>
          {needsReason && (
            <TextInput
              label={t('field.reason')}
              required
              maxLength={LONGEST_REASON}
              value={reason}
              onChange={(event) => setReason(event.currentTarget.value)}
            />
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={dialog.close}>
              {t('action.cancel')}
            </Button>
            <Button color="red" loading={busy} disabled={needsReason && reason.trim() === ''} onClick={confirm}>
              {label}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  );
}
