/** The exchanges of the playground: what was said, and the answer with its thoughts, tools, pictures, tokens and cost. */
import { Alert, Badge, Box, Code, Group, Image, Loader, Paper, Progress, Stack, Text } from '@mantine/core';
import { CircleAlert, Wrench } from 'lucide-react';
import { lazy, memo, Suspense } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import { failureText, failureTitle, traceOf } from '../shared/failure.ts';
import { Money } from '../shared/money.tsx';
import { Trace } from '../shared/page-states.tsx';
import { Pictures } from '../shared/pictures.tsx';
import { CopyIcon } from '../shared/secret.tsx';
import type { Turn } from './conversation.ts';

const MarkdownText = lazy(() => import('../shared/markdown.tsx'));

export const TurnView = memo(function TurnView({ turn }: { turn: Turn }) {
  const { said } = turn;
  return (
    <Stack gap="lg">
      <Paper className="said" p="sm" px="md">
        {said.images.length > 0 && (
          <Group gap="xs" mb={said.text === '' ? 0 : 'xs'}>
            {said.images.map((url) => (
              <Image key={url} src={url} alt="" h={96} w="auto" radius="sm" />
            ))}
          </Group>
        )}
        <Text className="spoken">{said.text}</Text>
      </Paper>
      <AnswerView turn={turn} />
    </Stack>
  );
});

function AnswerView({ turn }: { turn: Turn }) {
  const { t } = useTranslation();
  const { answer, state, model } = turn;
  const isRunning = state === 'running';
  const nothingYet = answer.text === '' && answer.reasoning === '' && answer.toolCalls.length === 0;
  return (
    <Stack gap="sm" data-testid="answer" data-state={state}>
      <Group gap="xs">
        <Text size="sm" fw={600}>
          {answer.model ?? model}
        </Text>
        {isRunning && <Loader size={14} type="dots" aria-label={t('state.loading')} />}
        {state === 'stopped' && <Badge variant="default">{t('playground.stopped')}</Badge>}
      </Group>
      {turn.jobId !== undefined && isRunning && <JobLine progress={turn.progress ?? 0} />}
      {answer.reasoning !== '' && (
        <details className="folded" open={isRunning && answer.text === ''}>
          <summary>{t('playground.reasoning')}</summary>
          <Text size="sm" c="dimmed" className="spoken">
            {answer.reasoning}
          </Text>
        </details>
      )}
      {answer.text !== '' && (
        <Suspense fallback={<Text className="spoken">{answer.text}</Text>}>
          <MarkdownText text={answer.text} />
        </Suspense>
      )}
      {answer.toolCalls.map((call, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a call of a tool is known by its place
        <Paper withBorder p="sm" key={index}>
          <Group gap="xs" mb={4}>
            <Wrench size={14} aria-hidden />
            <Text size="sm" fw={600}>
              {t('playground.toolCall', { name: call.name })}
            </Text>
          </Group>
          <Code block>{call.arguments}</Code>
        </Paper>
      ))}
      <Pictures urls={answer.images} />
      {state === 'failed' && (
        <Alert
          color="red"
          variant="outline"
          icon={<CircleAlert aria-hidden />}
          title={failureTitle(turn.error)}
          role="alert"
        >
          <Text size="sm">{failureText(turn.error)}</Text>
          <Trace id={traceOf(turn.error)} />
        </Alert>
      )}
      {!isRunning && !(nothingYet && answer.images.length === 0) && <Facts turn={turn} />}
      {state === 'stopped' && answer.requestId !== undefined && <StoppedCost requestId={answer.requestId} />}
    </Stack>
  );
}

/** The provider may be read for a while after the client has left; then it is charged. */
const ASKED_AGAIN_MS = 3_000;

function StoppedCost({ requestId }: { requestId: string }) {
  const { t } = useTranslation();
  const found = api.useQuery(
    'get',
    '/v1/statistics/logs/me',
    { params: { query: { requestId } } },
    { refetchInterval: ({ state }) => (state.data?.length ? false : ASKED_AGAIN_MS) },
  );
  const cost = found.data?.[0]?.cost;
  return (
    <Text size="xs" c="dimmed" data-testid="stopped-cost">
      {cost === undefined ? t('playground.costFollows') : <Money amount={cost} />}
    </Text>
  );
}

function JobLine({ progress }: { progress: number }) {
  const { t } = useTranslation();
  return (
    <Box maw={320}>
      <Text size="sm" c="dimmed" mb={4}>
        {t('playground.jobRuns', { progress })}
      </Text>
      <Progress value={progress} aria-label={t('jobs.progress')} animated />
    </Box>
  );
}

function Facts({ turn: { answer } }: { turn: Turn }) {
  const { t } = useTranslation();
  const { promptTokens, completionTokens, cost, requestId, finishReason, text } = answer;
  return (
    <Group gap="xs" c="dimmed" className="numbers" data-testid="facts">
      {promptTokens !== undefined && completionTokens !== undefined && (
        <Text size="xs">
          {t('playground.tokens', { sent: promptTokens.toLocaleString(), made: completionTokens.toLocaleString() })}
        </Text>
      )}
      {cost !== undefined && (
        <Text size="xs" fw={600}>
          <Money amount={cost} />
        </Text>
      )}
      {finishReason !== undefined && finishReason !== 'stop' && <Text size="xs">{finishReason}</Text>}
      {requestId !== undefined && <CopyIcon text={requestId} label={t('playground.copyId')} kind="id" />}
      {text !== '' && <CopyIcon text={text} label={t('playground.copyAnswer')} />}
    </Group>
  );
}
