/** The call as code, and what other programs are set to. */
import { Box, Code, Stack, Tabs, Text } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { SETTINGS } from '../settings.ts';
import { CopyIcon } from '../shared/secret.tsx';
import { LANGUAGES, PROGRAMS } from './code-samples.ts';
import { type Asked, shownRequest } from './request.ts';

export function CodePanel({ asked }: { asked: Asked }) {
  const { t } = useTranslation();
  const { path, body } = shownRequest(asked);
  const sample = { url: SETTINGS.publicUrl, path, body };
  const { modelIdentifier } = asked.model;
  return (
    <Stack gap="xl">
      <Samples
        label={t('playground.asCode')}
        about={t('playground.asCodeAbout')}
        texts={Object.entries(LANGUAGES).map(([name, write]) => [name, write(sample)])}
      />
      <Samples
        label={t('playground.inPrograms')}
        about={t('playground.inProgramsAbout')}
        texts={Object.entries(PROGRAMS).map(([name, write]) => [name, write(SETTINGS.publicUrl, modelIdentifier)])}
      />
    </Stack>
  );
}

function Samples(props: { label: string; about: string; texts: readonly (readonly [string, string])[] }) {
  const { t } = useTranslation();
  // A name may have spaces, which the ids of tabs may not.
  const [shown, setShown] = useState<string | null>('0');
  return (
    <Box>
      <Text fw={600}>{props.label}</Text>
      <Text size="sm" c="dimmed" mb="xs">
        {props.about}
      </Text>
      <Tabs value={shown} onChange={setShown} variant="pills" keepMounted={false}>
        <Tabs.List mb="xs">
          {props.texts.map(([name], index) => (
            <Tabs.Tab key={name} value={String(index)}>
              {name}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {props.texts.map(([name, text], index) => (
          <Tabs.Panel key={name} value={String(index)} pos="relative">
            <Code block className="sample" tabIndex={0}>
              {text}
            </Code>
            <Box pos="absolute" top={6} right={6} bg="var(--mantine-color-body)" bdrs="md">
              <CopyIcon text={text} label={`${t('action.copy')}: ${name}`} />
            </Box>
          </Tabs.Panel>
        ))}
      </Tabs>
    </Box>
  );
}
