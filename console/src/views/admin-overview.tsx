/** The whole at a glance: what works, what is called, what is out, what waits, and the money. */
import { Badge, Button, Grid, Group, Paper, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { api, queryClient } from '../api/client.ts';
import { useUser } from '../session.tsx';
import { Figure } from '../shared/figure.tsx';
import { Money } from '../shared/money.tsx';
import { Page } from '../shared/page.tsx';
import { ErrorState } from '../shared/page-states.tsx';
import { Health, Reconciliation } from './admin-health.tsx';
import { LiveCalls, LiveJobs, Traffic, useTraffic } from './admin-live.tsx';
import { MoneyByDay, OVERVIEW_MS } from './admin-money.tsx';
import { CIRCUITS_MS, CircuitBadge, CircuitReason, openCircuits } from './circuits.tsx';
import { useFeed } from './live-feed.ts';

const FIVE_MINUTES_SECONDS = 300;
/** Sums over all accounts: asked seldom. */

export default function AdminOverview() {
  const { t } = useTranslation();
  const isRoot = useUser().role === 'ROLE_ROOT_ADMIN';
  const traffic = useTraffic();
  const feed = useFeed(isRoot, {
    onCalls: traffic.addCalls,
    onJobs: traffic.addJobs,
    onCircuit: () => void queryClient.invalidateQueries({ queryKey: ['get', '/v1/admin/provider-keys'] }),
  });
  return (
    <Page
      title={t('admin.title')}
      about={t('admin.about')}
      actions={
        <Badge variant="dot" color={feed.isLive ? 'green' : 'gray'} tt="none" fw={500} size="lg">
          {t(feed.isLive ? 'admin.live' : 'admin.polled')}
        </Badge>
      }
    >
      <Figures isRoot={isRoot} />
      <Grid gap="lg">
        <Grid.Col span={{ base: 12, lg: 8 }}>
          <Stack gap="lg">
            {isRoot && <Traffic seconds={traffic.seconds} feed={feed} />}
            <Circuits />
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 4 }}>
          <Stack gap="lg">
            <Health />
            <Reconciliation mayCheck={isRoot} />
          </Stack>
        </Grid.Col>
      </Grid>
      {isRoot && (
        <>
          <LiveCalls calls={traffic.calls} feed={feed} />
          <LiveJobs moved={traffic.jobs} />
          <MoneyByDay />
        </>
      )}
    </Page>
  );
}

function useKeys() {
  return api.useQuery('get', '/v1/admin/provider-keys', {}, { refetchInterval: CIRCUITS_MS });
}

function Figures({ isRoot }: { isRoot: boolean }) {
  const { t, i18n } = useTranslation();
  const keys = useKeys();
  const whole = api.useQuery('get', '/v1/admin/overview', {}, { enabled: isRoot, refetchInterval: OVERVIEW_MS });
  const sum = (of: 'recentCalls' | 'recentFailures') => keys.data?.reduce((total, key) => total + key[of], 0) ?? 0;
  const [calls, failures] = [sum('recentCalls'), sum('recentFailures')];
  const share = calls === 0 ? 0 : failures / calls;
  const percent = new Intl.NumberFormat(i18n.language, { style: 'percent', maximumFractionDigits: 1 });
  const rate = new Intl.NumberFormat(i18n.language, { maximumFractionDigits: 2 });
  const open = keys.data?.flatMap(openCircuits).length;
  // The circuits say why.
  if (keys.error && keys.data === undefined) return null;
  return (
    <SimpleGrid cols={{ base: 2, md: 3 }}>
      <Figure
        label={t('admin.callsPerSecond')}
        value={keys.data && rate.format(calls / FIVE_MINUTES_SECONDS)}
        about={t('admin.ofFiveMinutes')}
      />
      <Figure
        label={t('admin.failing')}
        value={keys.data && percent.format(share)}
        about={t('admin.failuresOf', {
          failures: failures.toLocaleString(i18n.language),
          calls: calls.toLocaleString(i18n.language),
        })}
      />
      <Figure
        label={t('admin.openCircuits')}
        value={open?.toLocaleString(i18n.language)}
        about={t('admin.keysOf', { count: keys.data?.length ?? 0 })}
      />
      {isRoot && (
        <>
          <Figure
            label={t('admin.liveJobs')}
            value={whole.data?.jobs.processing.toLocaleString(i18n.language)}
            error={whole.error}
            about={t('admin.waiting', { count: whole.data?.jobs.pending ?? 0 })}
          />
          <Figure
            label={t('admin.customerMoney')}
            value={whole.data && <Money amount={whole.data.balances.available} />}
            error={whole.error}
          />
          <Figure
            label={t('overview.held')}
            value={whole.data && <Money amount={whole.data.balances.held} />}
            error={whole.error}
            about={t('overview.heldAbout')}
          />
        </>
      )}
    </SimpleGrid>
  );
}

function Circuits() {
  const { t } = useTranslation();
  const keys = useKeys();
  if (keys.error && keys.data === undefined) return <ErrorState error={keys.error} onRetry={keys.refetch} />;
  const open = keys.data?.flatMap((key) => openCircuits(key).map((circuit) => ({ ...circuit, key }))) ?? [];
  return (
    <Paper withBorder p="md">
      <Title order={2} size="h4" mb="sm">
        {t('admin.circuits')}
      </Title>
      {open.length === 0 ? (
        <Text size="sm" c="dimmed">
          {t('admin.noCircuits')}
        </Text>
      ) : (
        <Stack gap="sm">
          {open.map(({ key, modelIdentifier, ...circuit }) => (
            <Group key={`${key.id} ${modelIdentifier}`} gap="sm" justify="space-between">
              <Group gap="sm">
                <CircuitBadge {...circuit} />
                <Text size="sm" fw={600}>
                  {modelIdentifier ?? t('providerKeys.account')}
                </Text>
                <Text size="sm">{key.name || key.maskedApiKey}</Text>
                <CircuitReason {...circuit} />
              </Group>
              <Button component={Link} to={`/providers?id=${key.providerId}`} variant="default" size="compact-sm">
                {t('providers.open')}
              </Button>
            </Group>
          ))}
        </Stack>
      )}
    </Paper>
  );
}
