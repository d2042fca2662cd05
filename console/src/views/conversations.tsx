/** Kept conversations: read, renamed, pinned, deleted. */
import { Anchor, Badge, Button, Group, Image, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { Pin } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { api } from '../api/client.ts';
import type { Conversation, Message } from '../api/generated/schema.ts';
import { ConfirmButton } from '../shared/confirm.tsx';
import { CursorPages, DataTable } from '../shared/data-table.tsx';
import { Details } from '../shared/details.tsx';
import { useCursor } from '../shared/filters.ts';
import { fieldErrors } from '../shared/form.ts';
import { Money } from '../shared/money.tsx';
import { Page } from '../shared/page.tsx';
import { EmptyState, NotLoaded } from '../shared/page-states.tsx';
import { Time } from '../shared/time.tsx';

const PAGE_ROWS = 50;
const PAGE_MESSAGES = 100;

export default function Conversations() {
  const { t } = useTranslation();
  const [shown, setShown] = useState<Conversation>();
  const [renamed, setRenamed] = useState<Conversation>();
  const { cursor, ...pages } = useCursor('');
  const query = { limit: PAGE_ROWS, ...(cursor === undefined ? {} : { before: cursor }) };
  const conversations = api.useQuery('get', '/v1/conversations/recent', { params: { query } });
  const change = api.useMutation('patch', '/v1/conversations/{id}');
  const remove = api.useMutation('delete', '/v1/conversations/{id}');
  return (
    <Page title={t('conversations.title')} about={t('conversations.about')}>
      <DataTable
        label={t('conversations.title')}
        query={conversations}
        rows={conversations.data}
        rowKey={({ conversationId }) => conversationId}
        empty={t('conversations.none')}
        pages={<CursorPages {...pages} nextCursor={nextOf(conversations.data)} />}
        emptyAction={
          <Button component={Link} to="/playground" variant="default">
            {t('playground.title')}
          </Button>
        }
        columns={[
          {
            title: t('conversations.one'),
            cell: (conversation) => (
              <Stack gap={2}>
                <Group gap={6} wrap="nowrap">
                  {conversation.pinned && <Pin size={14} aria-label={t('conversations.pinned')} />}
                  <Anchor component="button" size="sm" ta="start" onClick={() => setShown(conversation)}>
                    {conversation.title}
                  </Anchor>
                </Group>
                <Text size="xs" c="dimmed" lineClamp={1}>
                  {conversation.lastMessageSummary}
                </Text>
              </Stack>
            ),
          },
          { title: t('field.model'), from: 'md', cell: (one) => one.lastModelIdentifier ?? '–' },
          { title: t('conversations.messages'), align: 'end', cell: (one) => one.messageCount },
          { title: t('conversations.active'), cell: ({ lastActiveAt }) => <Time at={lastActiveAt} /> },
          {
            ...{ title: t('field.actions'), align: 'end' },
            cell: ({ conversationId: id, title, pinned, ...rest }) => (
              <Group gap={4} justify="flex-end">
                <Button
                  variant="subtle"
                  size="compact-sm"
                  aria-label={`${t(pinned ? 'conversations.unpin' : 'conversations.pin')}: ${title}`}
                  onClick={() => change.mutate({ params: { path: { id } }, body: { pinned: !pinned } })}
                >
                  {t(pinned ? 'conversations.unpin' : 'conversations.pin')}
                </Button>
                <Button
                  variant="subtle"
                  size="compact-sm"
                  aria-label={`${t('conversations.rename')}: ${title}`}
                  onClick={() => setRenamed({ conversationId: id, title, pinned, ...rest })}
                >
                  {t('conversations.rename')}
                </Button>
                <ConfirmButton
                  label={t('action.delete')}
                  about={title}
                  question={t('conversations.deleteQuestion', { name: title })}
                  onConfirm={() => remove.mutateAsync({ params: { path: { id } } })}
                />
              </Group>
            ),
          },
        ]}
      />
      <Details title={shown?.title ?? ''} opened={shown !== undefined} onClose={() => setShown(undefined)}>
        {shown && <Messages id={shown.conversationId} />}
      </Details>
      <Modal
        {...{ opened: renamed !== undefined, onClose: () => setRenamed(undefined), title: t('conversations.rename') }}
      >
        {renamed && <TitleForm conversation={renamed} onDone={() => setRenamed(undefined)} />}
      </Modal>
    </Page>
  );
}

/** Behind the pinned ones the list goes on by time. */
function nextOf(rows: readonly Conversation[] | undefined): string | undefined {
  const last = rows?.length === PAGE_ROWS ? rows.at(-1) : undefined;
  return last?.pinned ? new Date().toISOString() : last?.lastActiveAt;
}

function TitleForm({ conversation, onDone }: { conversation: Conversation; onDone: () => void }) {
  const { t } = useTranslation();
  const form = useForm({ initialValues: { title: conversation.title } });
  const rename = api.useMutation('patch', '/v1/conversations/{id}', {
    onSuccess: onDone,
    onError: (error) => form.setErrors(fieldErrors(error)),
  });
  const path = { id: conversation.conversationId };
  return (
    <form onSubmit={form.onSubmit((body) => rename.mutate({ params: { path }, body }))}>
      <Stack>
        <TextInput label={t('conversations.name')} required data-autofocus {...form.getInputProps('title')} />
        <Group justify="flex-end">
          <Button type="submit" loading={rename.isPending}>
            {t('action.save')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function Messages({ id }: { id: string }) {
  const { t } = useTranslation();
  const [before, setBefore] = useState<string>();
  const query = { limit: PAGE_MESSAGES, ...(before === undefined ? {} : { before }) };
  const messages = api.useQuery('get', '/v1/conversations/{id}/messages', { params: { path: { id }, query } });
  if (!messages.data) return <NotLoaded query={messages} />;
  const [first] = messages.data;
  return (
    <Stack gap="lg">
      {first && messages.data.length === PAGE_MESSAGES && (
        <Button variant="default" size="xs" onClick={() => setBefore(first.createdAt)}>
          {t('conversations.earlier')}
        </Button>
      )}
      {messages.data.length === 0 && <EmptyState text={t('conversations.noMessages')} />}
      {messages.data.map((message) => (
        <MessageView key={message.messageId} {...message} />
      ))}
    </Stack>
  );
}

function MessageView(message: Message) {
  const { t } = useTranslation();
  const { role, content, imageUrls, reasoningContent, modelIdentifier, cost, createdAt } = message;
  return (
    <Stack gap={4}>
      <Group gap="xs">
        <Badge variant="light" tt="none">
          {role === 'user' ? t('conversations.you') : (modelIdentifier ?? role)}
        </Badge>
        <Text size="xs" c="dimmed">
          <Time at={createdAt} />
        </Text>
        {cost !== null && (
          <Text size="xs" c="dimmed">
            <Money amount={cost} />
          </Text>
        )}
      </Group>
      {reasoningContent !== undefined && (
        <details className="folded">
          <summary>{t('playground.reasoning')}</summary>
          <Text size="sm" c="dimmed" className="spoken">
            {reasoningContent}
          </Text>
        </details>
      )}
      <Text size="sm" className="spoken">
        {content}
      </Text>
      {imageUrls
        .filter((url) => url.startsWith('data:'))
        .map((url, index) => (
          <Image key={url} src={url} alt={t('playground.given', { number: index + 1 })} h={96} w="auto" radius="sm" />
        ))}
    </Stack>
  );
}
