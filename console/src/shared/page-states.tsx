/** What stands in a view's place: it loads, it failed, there is nothing. */
import { Alert, Button, Center, Code, Loader, Stack, Text, Title } from '@mantine/core';
import { CircleAlert } from 'lucide-react';
import { Component, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { queryClient } from '../api/client.ts';
import { failureText, failureTitle, traceOf } from './failure.ts';

export function LoadingView() {
  const { t } = useTranslation();
  return (
    <Center mih={200} role="status" aria-label={t('state.loading')}>
      <Loader />
    </Center>
  );
}

/** What of a query is looked at. */
export interface Asked {
  readonly isPending: boolean;
  readonly error: unknown;
  readonly refetch: () => unknown;
}

/** In place of what a query has not answered yet: it is asked, or has failed. What it has answered once stays. */
export function NotLoaded({ query }: { query: Asked }) {
  return query.error ? <ErrorState error={query.error} onRetry={query.refetch} /> : <LoadingView />;
}

export function ErrorState({ error, text, onRetry }: { error: unknown; text?: string; onRetry: () => unknown }) {
  const { t } = useTranslation();
  const retry = () => {
    void onRetry();
    // What failed beside it is tried by the same click.
    void queryClient.refetchQueries({ type: 'active', predicate: ({ state }) => state.status === 'error' });
  };
  return (
    <Alert color="red" variant="outline" icon={<CircleAlert aria-hidden />} title={failureTitle(error)} role="alert">
      <Stack gap="sm" align="flex-start">
        <Text size="sm">{text ?? failureText(error)}</Text>
        <Trace id={traceOf(error)} />
        <Button variant="default" size="xs" onClick={retry}>
          {t('state.retry')}
        </Button>
      </Stack>
    </Alert>
  );
}

/** By which a failure is found in the logs. */
export function Trace({ id }: { id: string | undefined }) {
  const { t } = useTranslation();
  if (id === undefined) return null;
  return (
    <Text size="sm">
      {t('failure.trace')} <Code>{id}</Code>
    </Text>
  );
}

export function EmptyState({ text, children }: { text: string; children?: ReactNode }) {
  return (
    <Center py="xl">
      <Stack align="center" gap="sm">
        <Text c="dimmed" ta="center">
          {text}
        </Text>
        {children}
      </Stack>
    </Center>
  );
}

/** Says so in place of a view that could not be fetched, as after a new version, or that broke. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { readonly error?: unknown }> {
  override state = {};

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render() {
    return 'error' in this.state ? <BrokenView error={this.state.error} /> : this.props.children;
  }
}

function BrokenView({ error }: { error: unknown }) {
  const { t } = useTranslation();
  // What browsers throw when the code of a view cannot be fetched: each has other words about the module.
  const isNotFetched = error instanceof TypeError && /module/i.test(error.message);
  const text = t(isNotFetched ? 'failure.notFetched' : 'failure.broken');
  return <ErrorState error={error} text={text} onRetry={() => location.reload()} />;
}

export function MissingView() {
  const { t } = useTranslation();
  return (
    <Stack align="flex-start">
      <Title order={1} size="h2">
        {t('state.missing')}
      </Title>
      <Button component={Link} to="/" variant="default">
        {t('overview.title')}
      </Button>
    </Stack>
  );
}
