/** An access key as its owner sees it. */
import type { BudgetPeriod } from '../../infra/calendar.ts';

/** What a key may do. null = no limit. */
export interface AccessKeyLimits {
  readonly expiresAt: Date | null;
  readonly allowedModels: readonly string[] | null;
  readonly rpmLimit: number | null;
  readonly tpmLimit: number | null;
  readonly parallelLimit: number | null;
  /** Nano-units a period. */
  readonly budget: bigint | null;
  readonly budgetPeriod: BudgetPeriod | null;
}

export interface AccessKey extends AccessKeyLimits {
  readonly id: number;
  readonly name: string;
  readonly active: boolean;
  readonly publicPart: string;
  readonly lastFour: string;
  readonly lastUsedAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** What PATCH can change; an absent field is not changed. */
export type AccessKeyChange = Partial<AccessKeyLimits & { readonly name: string; readonly active: boolean }>;
