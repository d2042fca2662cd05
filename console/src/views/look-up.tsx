/** Everything that happened under one id, in its order: of a trace, a request, a job or an order. */
import { Alert, Anchor, Button, Group, Paper, Stack, Text, TextInput, Timeline, Title } from '@mantine/core';
import type { TFunction } from 'i18next';
import { CreditCard, Files, HandCoins, ListChecks, Lock, PhoneCall, ScrollText, Webhook } from 'lucide-react';
import { type FormEvent, type ReactNode, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { TemporalLink } from '../shared/details.tsx';
import { actionText, failureText } from '../shared/failure.ts';
import { useFilters } from '../shared/filters.ts';
import { lookupOf } from '../shared/id.tsx';
import { Money } from '../shared/money.tsx';
import { Page } from '../shared/page.tsx';
import { EmptyState, LoadingView } from '../shared/page-states.tsx';
import { Time } from '../shared/time.tsx';
import { UserLink } from '../shared/user-filter.tsx';
import { useEvents } from './look-up-events.ts';
import type { Event } from './look-up-money.ts';

const ICONS = {
  call: PhoneCall,
  job: ListChecks,
  money: HandCoins,
  hold: Lock,
  order: CreditCard,
  batch: Files,
  audit: ScrollText,
  delivery: Webhook,
} as const;

const LONGEST_ID = 80;
/** Of anything that has one; the API refuses others. */
const ID = /^[A-Za-z0-9._-]{1,64}$/;
/** What stands before the id of a job or an order in that of its workflow: `chat/user-42/…`, earlier `order:…`. */
const OF_WORKFLOW = /^(?:[a-z]+\/user-\d+\/|order:)/;

function ownId(id: string): string {
  return id.replace(OF_WORKFLOW, '');
}

export default function LookUp() {
  const { t } = useTranslation();
  const { values, set } = useFilters(['id']);
  const [typed, setTyped] = useState(values.id ?? '');
  useEffect(() => setTyped(values.id ?? ''), [values.id]);
  const search = (event: FormEvent) => {
    event.preventDefault();
    set('id', typed.trim());
  };
  return (
    <Page title={t('lookup.title')} about={t('lookup.about')}>
      <search>
        <form onSubmit={search}>
          <Group align="end">
            <TextInput
              label={t('lookup.id')}
              flex={1}
              maw={520}
              miw={220}
              autoComplete="off"
              maxLength={LONGEST_ID}
              value={typed}
              onChange={(event) => setTyped(event.currentTarget.value)}
            />
            <Button type="submit">{t('lookup.find')}</Button>
          </Group>
        </form>
      </search>
      {values.id === undefined ? (
        <Text size="sm" c="dimmed">
          {t('lookup.start')}
        </Text>
      ) : (
        <Found key={values.id} id={ownId(values.id)} />
      )}
    </Page>
  );
}

function Found({ id }: { id: string }) {
  const { t } = useTranslation();
  return ID.test(id) ? <Events id={id} /> : <EmptyState text={t('lookup.notAnId')} />;
}

function Events({ id }: { id: string }) {
  const { t } = useTranslation();
  const { events, omitted, isPending, failures, traceId, retry } = useEvents(id);
  return (
    <Stack>
      {failures.length > 0 && (
        <Alert color="orange" variant="outline" role="alert">
          <Stack gap="sm" align="flex-start">
            <Text size="sm">{t('lookup.partly', { what: failures.map(failureText).join('; ') })}</Text>
            <Button variant="default" size="xs" onClick={retry}>
              {t('state.retry')}
            </Button>
          </Stack>
        </Alert>
      )}
      {omitted.length > 0 && (
        <Alert variant="outline" role="status">
          {omitted.map(({ what, shown }) => (
            <Text key={what} size="sm">
              {t(what, { count: shown })}
            </Text>
          ))}
        </Alert>
      )}
      {isPending && events.length === 0 && <LoadingView />}
      {!isPending && failures.length === 0 && events.length === 0 && <EmptyState text={t('lookup.none')} />}
      {events.length > 0 && (
        <Paper withBorder p={{ base: 'md', sm: 'xl' }}>
          <Group justify="space-between" mb="lg">
            <Title order={2} size="h4">
              {t('lookup.events')}
            </Title>
            {traceId !== undefined && traceId !== id && (
              <Anchor component={Link} to={lookupOf(traceId)} size="sm">
                {t('lookup.wholeTrace')}
              </Anchor>
            )}
          </Group>
          <Timeline
            active={events.length}
            bulletSize={30}
            lineWidth={2}
            aria-label={t('lookup.events')}
            className="long-names"
          >
            {events.map((event) => {
              const Icon = ICONS[event.kind];
              return (
                <Timeline.Item
                  key={event.key}
                  bullet={<Icon size={16} aria-hidden />}
                  color={event.failed ? 'red' : undefined}
                  title={<EventTitle event={event} />}
                >
                  <EventLines event={event} />
                </Timeline.Item>
              );
            })}
          </Timeline>
        </Paper>
      )}
    </Stack>
  );
}

function EventTitle({ event }: { event: Event }) {
  const { t } = useTranslation();
  const title = titleOf(event, t);
  const shown = event.to === undefined ? title : <TitleLink to={event.to}>{title}</TitleLink>;
  return (
    <Group gap="xs" fz="sm">
      {shown}
      {event.amount !== undefined && <Money amount={event.amount} bold />}
    </Group>
  );
}

function TitleLink({ to, children }: { to: string; children: ReactNode }) {
  return (
    <Anchor component={Link} to={to} inherit>
      {children}
    </Anchor>
  );
}

function titleOf({ name }: Event, t: TFunction): string {
  if ('transfer' in name) return t(`transfer.${name.transfer}`);
  if ('action' in name) return actionText(name.action);
  return t(name.text, { model: name.about, url: name.about });
}

function EventLines({ event }: { event: Event }) {
  const { t } = useTranslation();
  const { at, userId, username, by, attempts, error, batch } = event;
  return (
    <Stack gap={2}>
      <Text size="xs" c="dimmed">
        <Time at={at} precise />
        {userId !== undefined && (
          <>
            {' · '}
            <UserLink userId={userId} name={username} />
          </>
        )}
        {by !== undefined && ` · ${t('lookup.by', { name: by })}`}
        {attempts && ` · ${t('lookup.attempts', attempts)}`}
      </Text>
      {batch && <BatchLines batch={batch} />}
      {error && (
        <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
          {error}
        </Text>
      )}
    </Stack>
  );
}

function BatchLines({ batch }: { batch: NonNullable<Event['batch']> }) {
  const { t } = useTranslation();
  const { lines, completed, failed, calls, charged, inputFileId, outputFileId, errorFileId, temporalUrl } = batch;
  return (
    <Stack gap={2} align="flex-start">
      <Text size="sm">
        {t('lookup.batchLines', { count: lines, completed, failed })} · {t('lookup.batchCharged', { count: calls })}{' '}
        <Money amount={charged} bold />
      </Text>
      <Text size="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
        {[inputFileId, outputFileId, errorFileId].filter((file) => file !== null).join(' · ')}
      </Text>
      <TemporalLink url={temporalUrl} />
    </Stack>
  );
}
