/** All views: their paths, names, who sees them. The menu and the router are made from this list. */
import { Box, ChartSpline, KeyRound, type LucideIcon } from 'lucide-react';
import type { ComponentType } from 'react';
import type { User } from './api/generated/schema.ts';

export interface View {
  readonly path: string;
  readonly name: 'overview' | 'keys' | 'models';
  readonly icon: LucideIcon;
  readonly roles: readonly User['role'][];
  /** The view's own file, fetched when it is first opened. */
  readonly load: () => Promise<{ readonly default: ComponentType }>;
}

const ALL = ['ROLE_USER', 'ROLE_MODEL_ADMIN', 'ROLE_ROOT_ADMIN'] as const;

export const VIEWS: readonly View[] = [
  { path: '/', name: 'overview', icon: ChartSpline, roles: ALL, load: () => import('./views/overview.tsx') },
  { path: '/keys', name: 'keys', icon: KeyRound, roles: ALL, load: () => import('./views/keys.tsx') },
  { path: '/models', name: 'models', icon: Box, roles: ALL, load: () => import('./views/models.tsx') },
];
