/** Whether each part answers, and whether the ledger was right when it was last checked. */
import { Alert, Badge, Button, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { CircleAlert } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import { NotLoaded } from '../shared/page-states.tsx';
import { Latency, Time } from '../shared/time.tsx';

const HEALTH_MS = 5_000;
/** Three answers are missing. */
const OLD_SECONDS = 15;
const MS_PER_SECOND = 1_000;
const COLORS = { ready: 'green', degraded: 'orange', unavailable: 'red' } as const;
const PARTS = ['mysql', 'redis', 'mongo', 'temporal'] as const;

function useReadiness() {
  return api.useQuery('get', '/readyz', {}, { refetchInterval: HEALTH_MS, retry: false });
}

export function useSecondsSince(atMs: number): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), MS_PER_SECOND);
    return () => clearInterval(timer);
  }, []);
  return Math.max(0, Math.floor((now - atMs) / MS_PER_SECOND));
}

export function Health() {
  const { t } = useTranslation();
  const readiness = useReadiness();
  const age = useSecondsSince(readiness.dataUpdatedAt);
  const isOld = readiness.error !== null || age >= OLD_SECONDS;
  if (!readiness.data) return <NotLoaded query={readiness} />;
  const { status, dependencies } = readiness.data;
  return (
    <Paper withBorder p="md">
      <Title order={2} size="h4" mb="sm">
        {t('admin.parts')}
      </Title>
      <Stack gap="xs">
        {isOld && (
          <Alert color="red" variant="outline" icon={<CircleAlert aria-hidden />}>
            {t('admin.noAnswer', { count: age })}
          </Alert>
        )}
        <Badge variant="dot" color={isOld ? 'gray' : COLORS[status]} tt="none" fw={500} size="lg">
          {t(`admin.status.${status}`)}
        </Badge>
        {Object.entries(dependencies).map(([name, { ok, latencyMs, error }]) => {
          const known = PARTS.find((part) => part === name);
          return (
            <div key={name}>
              <Group justify="space-between" wrap="nowrap">
                <Text size="sm">{known ? t(`admin.part.${known}`) : name}</Text>
                <Badge
                  variant="dot"
                  color={isOld ? 'gray' : ok ? 'green' : 'red'}
                  tt="none"
                  fw={500}
                  className="numbers"
                >
                  <Latency ms={latencyMs} />
                </Badge>
              </Group>
              {error !== undefined && (
                <Text size="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
                  {error}
                </Text>
              )}
            </div>
          );
        })}
      </Stack>
    </Paper>
  );
}

export function Reconciliation({ mayCheck }: { mayCheck: boolean }) {
  const { t } = useTranslation();
  const readiness = useReadiness();
  const check = api.useMutation('post', '/v1/admin/reconciliations');
  const last = readiness.data?.reconciliation;
  return (
    <Paper withBorder p="md">
      <Title order={2} size="h4" mb="sm">
        {t('admin.reconciliation')}
      </Title>
      <Stack gap="sm" align="flex-start">
        {last === null && <Text size="sm">{t('admin.neverChecked')}</Text>}
        {last && last.breaches === 0 && (
          <Badge variant="dot" color="green" tt="none" fw={500} size="lg">
            {t('admin.moneyRight')}
          </Badge>
        )}
        {last && last.breaches > 0 && (
          <Alert color="red" variant="outline" icon={<CircleAlert aria-hidden />}>
            {t('admin.breaches', { count: last.breaches })}
          </Alert>
        )}
        {last && (
          <Text size="sm" c="dimmed">
            <Time at={last.finishedAt} />
          </Text>
        )}
        {mayCheck && (
          <Button variant="default" size="xs" loading={check.isPending} onClick={() => check.mutate({})}>
            {t('admin.checkNow')}
          </Button>
        )}
      </Stack>
    </Paper>
  );
}
