/** Speech that a job has made and the gateway keeps as a file of its owner. */
import { Anchor, Button, Group } from '@mantine/core';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { client, withKey } from '../api/client.ts';
import { showFailure } from './failure.ts';

/** @param props.accessKeyId of the job; the file is fetched with it when it is asked for. */
export function Speech({ fileId, accessKeyId }: { fileId: string; accessKeyId: number }) {
  const { t } = useTranslation();
  const [url, setUrl] = useState<string>();
  const [busy, setBusy] = useState(false);
  useEffect(() => () => URL.revokeObjectURL(url ?? ''), [url]);
  const load = async () => {
    setBusy(true);
    try {
      const { data } = await client.GET('/v1/files/{fileId}/content', {
        params: { path: { fileId } },
        headers: withKey(accessKeyId),
        parseAs: 'blob',
      });
      if (data instanceof Blob) setUrl(URL.createObjectURL(data));
    } catch (error) {
      showFailure(error);
    } finally {
      setBusy(false);
    }
  };
  if (url === undefined) {
    return (
      <Button variant="default" loading={busy} style={{ alignSelf: 'flex-start' }} onClick={load}>
        {t('jobs.listen')}
      </Button>
    );
  }
  return (
    <Group>
      {/* biome-ignore lint/a11y/useMediaCaption: its text is the request of the job */}
      <audio controls src={url} aria-label={t('jobs.speech')} />
      <Anchor href={url} download={fileId}>
        {t('jobs.download')}
      </Anchor>
    </Group>
  );
}
