/** Models tried out: a chat, or pictures, as the signed-in user with the limits of a chosen access key. */
import { Box, Button, Drawer, Group, Paper, ScrollArea, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { CodeXml, SlidersHorizontal, Sparkles, SquarePen } from 'lucide-react';
import { type UIEvent, useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import type { AccessKey, Model } from '../api/generated/schema.ts';
import { CodePanel } from '../playground/code.tsx';
import { Composer } from '../playground/composer.tsx';
import { type Turn, useConversation } from '../playground/conversation.ts';
import { isChat, makesPictures, NO_PARAMETERS, type Spoken, takesPictures, toolsOf } from '../playground/request.ts';
import { Settings } from '../playground/settings.tsx';
import { TurnView } from '../playground/turns.tsx';
import { useAllModels } from '../shared/all-models.ts';
import { useFilters } from '../shared/filters.ts';
import { Page } from '../shared/page.tsx';
import { EmptyState, ErrorState, LoadingView } from '../shared/page-states.tsx';
import { sessionState } from '../shared/session-state.ts';

const SETTINGS_PX = 300;
const NOTHING: Spoken = { text: '', images: [] };

// With the talk stays what it is with, and what is about to be said.
const SAID = sessionState('playground-message', NOTHING);
const PARAMETERS = sessionState('playground-parameters', NO_PARAMETERS);
/** What the address has named; the menu leads here without it. */
const CHOSEN = sessionState<{ readonly model?: string; readonly key?: string }>('playground-choice', {});

function canCall({ isActive, expiresAt }: AccessKey): boolean {
  return isActive && (expiresAt === null || new Date(expiresAt) > new Date());
}

export default function Playground() {
  const { t } = useTranslation();
  const models = useAllModels({ status: 1 });
  const keys = api.useQuery('get', '/v1/access-keys');
  const error = models.error ?? keys.error;
  const retry = () => Promise.all([models.refetch(), keys.refetch()]);
  if (error) {
    return (
      <Page title={t('playground.title')}>
        <ErrorState error={error} onRetry={retry} />
      </Page>
    );
  }
  if (!models.data || !keys.data) return <LoadingView />;
  const usable = models.data.filter((model) => isChat(model) || makesPictures(model));
  if (usable.length === 0) {
    return (
      <Page title={t('playground.title')}>
        <EmptyState text={t('models.none')} />
      </Page>
    );
  }
  return <Bench models={usable} keys={keys.data.filter(canCall)} />;
}

function Bench({ models, keys }: { models: readonly Model[]; keys: readonly AccessKey[] }) {
  const { t } = useTranslation();
  const { values, set } = useFilters(['model', 'key']);
  const kept = CHOSEN.useValue();
  const chosen = { ...kept, ...values };
  const parameters = PARAMETERS.useValue();
  const said = SAID.useValue();
  const [settingsShown, settings] = useDisclosure();
  const [codeShown, code] = useDisclosure();
  const accessKey = keys.find(({ id }) => String(id) === chosen.key) ?? keys[0];
  const allowed = accessKey?.allowedModels;
  const offered = allowed ? models.filter(({ modelIdentifier }) => allowed.includes(modelIdentifier)) : models;
  const model =
    offered.find(({ modelIdentifier }) => modelIdentifier === chosen.model) ?? offered.find(isChat) ?? offered[0];
  const { model: named, key: keyed } = values;
  useEffect(() => {
    const given = { ...(named === undefined ? {} : { model: named }), ...(keyed === undefined ? {} : { key: keyed }) };
    CHOSEN.set((before) => ({ ...before, ...given }));
  }, [named, keyed]);
  const talk = useConversation(accessKey?.id);
  const panel = (
    <Settings
      {...{ models: offered, keys, model, accessKey, parameters }}
      onModel={(name) => set('model', name)}
      onKey={(id) => set('key', id)}
      onParameters={(changed) => PARAMETERS.set((before) => ({ ...before, ...changed }))}
    />
  );
  const send = () => {
    if (model === undefined) return;
    void talk.send({ model, parameters, said });
    SAID.set(NOTHING);
  };
  return (
    <Page
      title={t('playground.title')}
      actions={
        <>
          <Button
            variant="default"
            px="sm"
            leftSection={<SlidersHorizontal size={16} />}
            hiddenFrom="lg"
            onClick={settings.open}
          >
            {t('playground.settings')}
          </Button>
          <Button variant="default" px="sm" leftSection={<CodeXml size={16} />} onClick={code.open}>
            {t('playground.code')}
          </Button>
          <Button
            variant="default"
            px="sm"
            leftSection={<SquarePen size={16} />}
            disabled={talk.turns.length === 0}
            onClick={talk.clear}
          >
            {t('playground.clear')}
          </Button>
        </>
      }
    >
      <div className="playground">
        <Stack gap="sm" className="talk">
          <Turns turns={talk.turns}>
            <Suggestions model={model} onChoose={(text) => SAID.set((before) => ({ ...before, text }))} />
          </Turns>
          <Composer
            canSend={accessKey !== undefined && model !== undefined && areTools(parameters.tools)}
            isRunning={talk.isRunning}
            takesPictures={model !== undefined && takesPictures(model)}
            needsWords={model === undefined || !isChat(model) || parameters.asJob}
            placeholder={t(model && !isChat(model) ? 'playground.describe' : 'playground.ask')}
            {...{ said, onSaid: SAID.set, onSend: send, onStop: talk.stop }}
          />
        </Stack>
        <Paper withBorder visibleFrom="lg" w={SETTINGS_PX} className="settings">
          <ScrollArea h="100%" viewportProps={{ tabIndex: 0, 'aria-label': t('playground.settings'), role: 'region' }}>
            <Box p="md">{panel}</Box>
          </ScrollArea>
        </Paper>
      </div>
      <Drawer {...{ opened: settingsShown, onClose: settings.close, title: t('playground.settings') }}>{panel}</Drawer>
      <Drawer {...{ opened: codeShown, onClose: code.close, size: 'xl', title: t('playground.code') }}>
        {model && areTools(parameters.tools) && (
          <CodePanel
            asked={{ model, parameters, before: [], said: said.text === '' ? lastSaid(talk.turns, t) : said }}
          />
        )}
      </Drawer>
    </Page>
  );
}

function areTools(text: string): boolean {
  try {
    toolsOf(text);
    return true;
  } catch {
    return false;
  }
}

/** Code with nothing to say would not run. */
function lastSaid(turns: readonly Turn[], t: (key: 'playground.hello') => string): Spoken {
  return turns.at(-1)?.said ?? { text: t('playground.hello'), images: [] };
}

/** How near to the end is at the end. */
const END_PX = 60;

/** Stays at the end while an answer comes and is laid out, unless its reader has gone back. */
function Turns({ turns, children }: { turns: readonly Turn[]; children: React.ReactNode }) {
  const { t } = useTranslation();
  const view = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  const count = turns.length;
  useEffect(() => {
    if (view.current === null || content.current === null || count === 0) return undefined;
    const { current: shown } = view;
    // What was just said is looked at, wherever its author was.
    isAtEnd.current = true;
    const follow = new ResizeObserver(() => {
      if (isAtEnd.current) shown.scrollTop = shown.scrollHeight;
    });
    follow.observe(content.current);
    return () => follow.disconnect();
  }, [count]);
  const scrolled = ({ currentTarget: { scrollHeight, scrollTop, clientHeight } }: UIEvent) => {
    isAtEnd.current = scrollHeight - scrollTop - clientHeight < END_PX;
  };
  return (
    <Box ref={view} className="turns" role="log" aria-label={t('playground.answers')} tabIndex={0} onScroll={scrolled}>
      {count === 0 ? (
        children
      ) : (
        <Stack ref={content} gap="xl" maw={800} mx="auto">
          {turns.map((turn) => (
            <TurnView key={turn.id} turn={turn} />
          ))}
        </Stack>
      )}
    </Box>
  );
}

function Suggestions({ model, onChoose }: { model: Model | undefined; onChoose: (text: string) => void }) {
  const { t } = useTranslation();
  const kind = model && !isChat(model) ? 'pictureIdeas' : 'chatIdeas';
  return (
    <Stack align="center" justify="center" h="100%" gap="md" mih={240}>
      <Sparkles size={28} aria-hidden color="var(--mantine-primary-color-filled)" />
      <Text ta="center" fw={600} size="lg">
        {model ? t('playground.try', { model: model.displayName }) : t('playground.noModel')}
      </Text>
      {model && (
        <Group justify="center" gap="xs">
          {(['first', 'second', 'third'] as const).map((name) => (
            <Button
              key={name}
              variant="default"
              size="xs"
              radius="xl"
              fw={400}
              onClick={() => onChoose(t(`playground.${kind}.${name}`))}
            >
              {t(`playground.${kind}.${name}`)}
            </Button>
          ))}
        </Group>
      )}
    </Stack>
  );
}
