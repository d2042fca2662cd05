/** What models can do. */
import { Badge, Group } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Model } from '../api/generated/schema.ts';

export function Capabilities({ capabilities }: Pick<Model, 'capabilities'>) {
  const { t } = useTranslation();
  return (
    <Group gap={4}>
      {capabilities.map((name) => (
        <Badge key={name} variant="default" tt="none" fw={500}>
          {t(`capability.${name}`)}
        </Badge>
      ))}
    </Group>
  );
}
