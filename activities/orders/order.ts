/** A recharge order: what it is, and its states. */
export const ORDER_STATUSES = ['PENDING', 'COMPLETED', 'FAILED'] as const;
export type OrderStatus = (typeof ORDER_STATUSES)[number];

/** Why an order is FAILED, in words its owner reads. */
export const FAILURE_REASONS = {
  expired: 'not paid in time',
  cancelledByOwner: 'cancelled by its owner',
  cancelledByAdministrator: 'cancelled by an administrator',
} as const;

/** An order as its owner sees it; amounts in nano-units. */
export interface Order {
  /** Number of its row. */
  readonly id: number;
  /** Made by the server, time-ordered; also the id of its transfers. */
  readonly orderNo: string;
  readonly userId: number;
  readonly accountId: number;
  readonly amount: bigint;
  readonly currency: string;
  readonly status: OrderStatus;
  readonly reason: string | null;
  readonly paidAt: Date | null;
  /** Paid after it had been cancelled. */
  readonly paidLate: boolean;
  /** What was given back, once it was. */
  readonly refunded: bigint | null;
  readonly expiresAt: Date;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}
