/** Pictures that the gateway has made and keeps. */
import { Anchor, Group, Image } from '@mantine/core';
import { useTranslation } from 'react-i18next';

const KEPT = '/v1/pictures/';

/** The policy of the page allows pictures from its own address alone; links name the public one, which may differ. */
function ownAddress(url: string): string {
  const { pathname, search } = new URL(url, location.origin);
  return pathname.startsWith(KEPT) ? pathname + search : url;
}

export function Pictures({ urls }: { urls: readonly string[] }) {
  const { t } = useTranslation();
  if (urls.length === 0) return null;
  return (
    <Group gap="sm">
      {urls.map((url, index) => (
        <Anchor
          key={url}
          href={ownAddress(url)}
          target="_blank"
          rel="noreferrer"
          aria-label={t('jobs.open', { number: index + 1 })}
        >
          <Image
            src={ownAddress(url)}
            alt={t('jobs.picture', { number: index + 1 })}
            radius="md"
            w="auto"
            maw="min(100%, 360px)"
            mah={360}
            bd="1px solid var(--mantine-color-default-border)"
          />
        </Anchor>
      ))}
    </Group>
  );
}
