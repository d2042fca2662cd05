/** Where a message is written; pictures are chosen, or pasted. */
import { ActionIcon, CloseButton, FileButton, Group, Image, Paper, Textarea, Tooltip } from '@mantine/core';
import { ArrowUp, ImagePlus, Square } from 'lucide-react';
import { type ClipboardEvent, type Dispatch, type KeyboardEvent, type SetStateAction, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Spoken } from './request.ts';

interface ComposerProps {
  readonly canSend: boolean;
  readonly isRunning: boolean;
  readonly takesPictures: boolean;
  /** Whether a picture alone says nothing. */
  readonly needsWords: boolean;
  readonly placeholder: string;
  readonly said: Spoken;
  readonly onSaid: Dispatch<SetStateAction<Spoken>>;
  readonly onSend: () => void;
  readonly onStop: () => void;
}

function read(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}

export function Composer(props: ComposerProps) {
  const { t } = useTranslation();
  const { canSend, isRunning, takesPictures, needsWords, said, onSaid, onSend, onStop } = props;
  const [isReading, setReading] = useState(false);
  const saysSomething = said.text.trim() !== '' || (!needsWords && said.images.length > 0);
  const ready = canSend && !isRunning && !isReading && saysSomething;
  const add = async (files: readonly File[]) => {
    setReading(true);
    const images = await Promise.all(files.map(read)).finally(() => setReading(false));
    onSaid((before) => ({ ...before, images: [...before.images, ...images] }));
  };
  const paste = (event: ClipboardEvent) => {
    const files = [...event.clipboardData.files].filter(({ type }) => type.startsWith('image/'));
    if (!takesPictures || files.length === 0) return;
    event.preventDefault();
    void add(files);
  };
  const press = (event: KeyboardEvent) => {
    // Enter also chooses a word while Chinese is written.
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    if (ready) onSend();
  };
  return (
    <Paper withBorder p="xs" className="composer">
      {said.images.length > 0 && (
        <Group gap="xs" mb="xs" px="xs">
          {said.images.map((url, index) => (
            <Group key={url} gap={2} wrap="nowrap" align="flex-start">
              <Image src={url} alt={t('playground.given', { number: index + 1 })} h={56} w="auto" radius="sm" />
              <CloseButton
                size="sm"
                aria-label={t('playground.removePicture', { number: index + 1 })}
                onClick={() => onSaid({ ...said, images: said.images.filter((image) => image !== url) })}
              />
            </Group>
          ))}
        </Group>
      )}
      <Group gap="xs" align="flex-end" wrap="nowrap">
        {takesPictures && (
          <FileButton accept="image/*" multiple onChange={add}>
            {(button) => (
              <Tooltip label={t('playground.addPicture')}>
                <ActionIcon {...button} variant="subtle" color="gray" size={36} aria-label={t('playground.addPicture')}>
                  <ImagePlus size={20} />
                </ActionIcon>
              </Tooltip>
            )}
          </FileButton>
        )}
        <Textarea
          aria-label={t('playground.message')}
          placeholder={props.placeholder}
          variant="unstyled"
          flex={1}
          autosize
          minRows={1}
          maxRows={8}
          px="xs"
          value={said.text}
          onChange={(event) => onSaid({ ...said, text: event.currentTarget.value })}
          onPaste={paste}
          onKeyDown={press}
        />
        {isRunning ? (
          <ActionIcon size={36} radius="xl" color="gray" aria-label={t('playground.stop')} onClick={onStop}>
            <Square size={16} fill="currentColor" />
          </ActionIcon>
        ) : (
          <ActionIcon size={36} radius="xl" disabled={!ready} aria-label={t('playground.send')} onClick={onSend}>
            <ArrowUp size={20} />
          </ActionIcon>
        )}
      </Group>
    </Paper>
  );
}
