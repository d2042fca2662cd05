/** All views: their paths, names, who sees them. The menu and the router are made from this list. */
import {
  Banknote,
  BookOpenText,
  Box,
  Boxes,
  ChartSpline,
  CircleDollarSign,
  CircleUserRound,
  CreditCard,
  FileClock,
  Gauge,
  History,
  KeyRound,
  ListChecks,
  type LucideIcon,
  MessagesSquare,
  PhoneCall,
  ReceiptText,
  Scale,
  ScanSearch,
  ScrollText,
  Search,
  Server,
  SlidersHorizontal,
  Users,
  Webhook,
  Workflow,
} from 'lucide-react';
import type { ComponentType } from 'react';
import type { User } from './api/generated/schema.ts';
import type { ViewName } from './language/en.ts';
import { withApiWords } from './shared/failure.ts';

export interface View {
  readonly path: string;
  readonly name: ViewName;
  readonly icon: LucideIcon;
  readonly roles: readonly User['role'][];
  /** The view's own file, fetched when it is first opened. */
  readonly load: () => Promise<{ readonly default: ComponentType }>;
}

const ROOT = ['ROLE_ROOT_ADMIN'] as const;
const ADMINISTRATORS = ['ROLE_MODEL_ADMIN', 'ROLE_ROOT_ADMIN'] as const;
const ALL = ['ROLE_USER', 'ROLE_MODEL_ADMIN', 'ROLE_ROOT_ADMIN'] as const;

export const VIEWS: readonly View[] = [
  { path: '/', name: 'overview', icon: ChartSpline, roles: ALL, load: () => import('./views/overview.tsx') },
  {
    ...{ path: '/playground', name: 'playground', icon: MessagesSquare, roles: ALL },
    load: () => import('./views/playground.tsx'),
  },
  { path: '/keys', name: 'keys', icon: KeyRound, roles: ALL, load: () => import('./views/keys.tsx') },
  {
    ...{ path: '/conversations', name: 'conversations', icon: History, roles: ALL },
    load: () => import('./views/conversations.tsx'),
  },
  { path: '/jobs', name: 'jobs', icon: ListChecks, roles: ALL, load: () => withApiWords(import('./views/jobs.tsx')) },
  { path: '/orders', name: 'orders', icon: CreditCard, roles: ALL, load: () => import('./views/orders.tsx') },
  { path: '/calls', name: 'calls', icon: PhoneCall, roles: ALL, load: () => withApiWords(import('./views/calls.tsx')) },
  {
    path: '/statements',
    name: 'statements',
    icon: ReceiptText,
    roles: ALL,
    load: () => import('./views/statements.tsx'),
  },
  { path: '/models', name: 'models', icon: Box, roles: ALL, load: () => import('./views/models.tsx') },
  { path: '/profile', name: 'profile', icon: CircleUserRound, roles: ALL, load: () => import('./views/profile.tsx') },
];

/** Only administrators have them. */
export const ADMINISTRATION_VIEWS: readonly View[] = [
  {
    path: '/admin',
    name: 'admin',
    icon: Gauge,
    roles: ADMINISTRATORS,
    load: () => import('./views/admin-overview.tsx'),
  },
  {
    ...{ path: '/providers', name: 'providers', icon: Server, roles: ADMINISTRATORS },
    load: () => import('./views/providers.tsx'),
  },
  {
    ...{ path: '/catalog', name: 'catalogModels', icon: Boxes, roles: ADMINISTRATORS },
    load: () => import('./views/catalog.tsx'),
  },
  { path: '/users', name: 'users', icon: Users, roles: ROOT, load: () => import('./views/users.tsx') },
  { path: '/all-keys', name: 'allKeys', icon: ScanSearch, roles: ROOT, load: () => import('./views/all-keys.tsx') },
  {
    ...{ path: '/all-calls', name: 'allCalls', icon: ScrollText, roles: ADMINISTRATORS },
    load: () => withApiWords(import('./views/all-calls.tsx')),
  },
  {
    path: '/spend',
    name: 'spend',
    icon: CircleDollarSign,
    roles: ADMINISTRATORS,
    load: () => import('./views/spend.tsx'),
  },
  {
    path: '/look-up',
    name: 'lookup',
    icon: Search,
    roles: ROOT,
    load: () => withApiWords(import('./views/look-up.tsx')),
  },
  {
    path: '/all-jobs',
    name: 'allJobs',
    icon: Workflow,
    roles: ROOT,
    load: () => withApiWords(import('./views/all-jobs.tsx')),
  },
  { path: '/all-orders', name: 'allOrders', icon: Banknote, roles: ROOT, load: () => import('./views/all-orders.tsx') },
  { path: '/ledger', name: 'ledger', icon: BookOpenText, roles: ROOT, load: () => import('./views/ledger.tsx') },
  {
    ...{ path: '/reconciliations', name: 'reconciliations', icon: Scale, roles: ROOT },
    load: () => import('./views/reconciliations.tsx'),
  },
  {
    ...{ path: '/all-webhooks', name: 'deliveries', icon: Webhook, roles: ROOT },
    load: () => import('./views/all-webhooks.tsx'),
  },
  {
    path: '/audit',
    name: 'audit',
    icon: FileClock,
    roles: ROOT,
    load: () => withApiWords(import('./views/audit.tsx')),
  },
  {
    ...{ path: '/settings', name: 'settings', icon: SlidersHorizontal, roles: ROOT },
    load: () => import('./views/settings.tsx'),
  },
];
