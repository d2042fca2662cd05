/** A state in a word, with a dot in its colour: the word can be read by itself. */
import { Badge } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { isLess } from './amounts.ts';

const COLORS = {
  active: 'green',
  disabled: 'gray',
  expired: 'orange',
  online: 'green',
  offline: 'gray',
  succeeded: 'green',
  failed: 'red',
  refused: 'orange',
  closed: 'gray',
  revoked: 'red',
  'job.PENDING': 'yellow',
  'job.PROCESSING': 'blue',
  'job.COMPLETED': 'green',
  'job.FAILED': 'red',
  'job.CANCELLED': 'gray',
  'order.PENDING': 'yellow',
  'order.COMPLETED': 'green',
  'order.FAILED': 'gray',
  'order.REFUNDED': 'gray',
  'delivery.PENDING': 'yellow',
  'delivery.DELIVERED': 'green',
  'delivery.FAILED': 'red',
  'delivery.DISABLED': 'gray',
  'hold.open': 'blue',
  'hold.captured': 'green',
  'hold.released': 'gray',
  right: 'green',
  wrong: 'red',
} as const;

/** A paid order of which all was paid back is shown as what it is now. */
export function orderStatus(order: {
  readonly status: 'PENDING' | 'COMPLETED' | 'FAILED';
  readonly amount: string;
  readonly refundedAmount?: string;
}): Status {
  const isAllBack = order.refundedAmount !== undefined && !isLess(order.refundedAmount, order.amount);
  return order.status === 'COMPLETED' && isAllBack ? 'order.REFUNDED' : `order.${order.status}`;
}

export type Status = keyof typeof COLORS;

export function StatusBadge({ status }: { status: Status }) {
  const { t } = useTranslation();
  return (
    <Badge variant="dot" color={COLORS[status]} tt="none" fw={500} miw="max-content">
      {t(`status.${status}`)}
    </Badge>
  );
}
