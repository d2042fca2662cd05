/** What the user's jobs and those of all have alike: which one it is, how far, its end, and who was told of it. */
import { Anchor, Button, Progress, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import type { Job } from '../api/generated/schema.ts';
import { ConfirmButton } from './confirm.tsx';
import { isRunning, type JobState } from './job-events.ts';
import { StatusBadge } from './status-badge.tsx';
import { Time } from './time.tsx';

export const JOB_STATUSES = ['PENDING', 'PROCESSING', 'COMPLETED', 'FAILED', 'CANCELLED'] as const;
/** While a job runs, it is asked again. */
export const RUNNING_MS = 2_000;

interface JobNameProps extends Pick<Job, 'type' | 'modelName' | 'createdAt'> {
  readonly onOpen: () => void;
}

/** In a list: what it does, by which model and since when; it opens the rest. */
export function JobName({ type, modelName, createdAt, onOpen }: JobNameProps) {
  const { t } = useTranslation();
  return (
    <Stack gap={2}>
      <Anchor component="button" size="sm" ta="start" onClick={onOpen}>
        {t(`jobs.type.${type}`)} · {modelName}
      </Anchor>
      <Text size="xs" c="dimmed">
        <Time at={createdAt} />
      </Text>
    </Stack>
  );
}

export function JobProgress({ status, progress }: JobState) {
  const { t } = useTranslation();
  return (
    <Stack gap={4} align="flex-start">
      <StatusBadge status={`job.${status}`} />
      {isRunning({ status }) && <Progress value={progress} size="sm" w={90} aria-label={t('jobs.progress')} />}
    </Stack>
  );
}

/** @param ofAll whether it may be anybody's. */
export function CancelJob({ jobId, ofAll = false }: { jobId: string; ofAll?: boolean }) {
  const { t } = useTranslation();
  const own = api.useMutation('post', '/v1/async/jobs/{jobId}/cancel');
  const anybodys = api.useMutation('post', '/v1/admin/jobs/{jobId}/cancel');
  const params = { path: { jobId } };
  return (
    <ConfirmButton
      label={t('jobs.cancel')}
      about={jobId}
      question={t('jobs.cancelQuestion')}
      onConfirm={() => (ofAll ? anybodys.mutateAsync({ params }) : own.mutateAsync({ params }))}
    />
  );
}

interface RedeliverProps {
  readonly id: string;
  readonly url: string;
  readonly status: string;
  /** Whether it may be anybody's. */
  readonly ofAll?: boolean;
}

/** A webhook delivery that has ended, well or not, is sent once more. */
export function Redeliver({ id, url, status, ofAll = false }: RedeliverProps) {
  const { t } = useTranslation();
  const own = api.useMutation('post', '/v1/webhooks/deliveries/{id}/redeliver');
  const anybodys = api.useMutation('post', '/v1/admin/webhook-deliveries/{id}/redeliver');
  const { mutate, isPending } = ofAll ? anybodys : own;
  if (status === 'PENDING') return null;
  return (
    <Button
      variant="subtle"
      size="compact-sm"
      loading={isPending}
      aria-label={`${t('jobs.redeliver')}: ${url}`}
      onClick={() => mutate({ params: { path: { id } } })}
    >
      {t('jobs.redeliver')}
    </Button>
  );
}
