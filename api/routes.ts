/** All routes of the API, and all that they ask of the product. */
import type { Config } from '../infra/config.ts';
import type { Route } from './http/route.ts';
import { accessKeyRoutes } from './routes/access-keys.ts';
import { adminAccessKeyRoutes } from './routes/admin-access-keys.ts';
import { adminBatchRoutes } from './routes/admin-batches.ts';
import { adminFeedRoutes } from './routes/admin-feed.ts';
import { adminJobRoutes } from './routes/admin-jobs.ts';
import { adminLedgerRoutes } from './routes/admin-ledger.ts';
import { adminOrderRoutes } from './routes/admin-orders.ts';
import { adminOverviewRoutes } from './routes/admin-overview.ts';
import { adminSettingRoutes } from './routes/admin-settings.ts';
import { anthropicMessageRoutes } from './routes/anthropic-messages.ts';
import { audioRoutes } from './routes/audio.ts';
import { audioJobRoutes } from './routes/audio-jobs.ts';
import { auditRoutes } from './routes/audit.ts';
import { type AuthServices, authRoutes } from './routes/auth.ts';
import { batchRoutes } from './routes/batches.ts';
import { billingRoutes } from './routes/billing.ts';
import { chatRoutes } from './routes/chat.ts';
import { conversationRoutes } from './routes/conversations.ts';
import { docsRoutes } from './routes/docs.ts';
import { embeddingRoutes } from './routes/embeddings.ts';
import { fileRoutes } from './routes/files.ts';
import { imageRoutes } from './routes/images.ts';
import { jobRoutes } from './routes/jobs.ts';
import { type ModelServices, modelRoutes } from './routes/models.ts';
import { moderationRoutes } from './routes/moderations.ts';
import { openAiChatRoutes } from './routes/openai-chat.ts';
import { openAiImageRoutes } from './routes/openai-images.ts';
import { orderRoutes } from './routes/orders.ts';
import { paymentRoutes } from './routes/payments.ts';
import { type ProviderKeyServices, providerKeyRoutes } from './routes/provider-keys.ts';
import { providerRoutes } from './routes/providers.ts';
import { rerankRoutes } from './routes/rerank.ts';
import { responseRoutes } from './routes/responses.ts';
import { serviceRoutes } from './routes/service.ts';
import { statisticsRoutes } from './routes/statistics.ts';
import { type UserServices, userRoutes } from './routes/users.ts';
import { webhookRoutes } from './routes/webhooks.ts';

/** Each resource names what it needs; a new one is added here and below. */
export type RouteServices = Parameters<typeof serviceRoutes>[0] &
  AuthServices &
  UserServices &
  Parameters<typeof accessKeyRoutes>[0] &
  Parameters<typeof adminAccessKeyRoutes>[0] &
  Parameters<typeof adminBatchRoutes>[0] &
  Parameters<typeof adminFeedRoutes>[0] &
  Parameters<typeof adminJobRoutes>[0] &
  Parameters<typeof adminLedgerRoutes>[0] &
  Parameters<typeof adminOrderRoutes>[0] &
  Parameters<typeof adminOverviewRoutes>[0] &
  Parameters<typeof auditRoutes>[0] &
  Parameters<typeof providerRoutes>[0] &
  ProviderKeyServices &
  ModelServices &
  Parameters<typeof chatRoutes>[0] &
  Parameters<typeof jobRoutes>[0] &
  Parameters<typeof conversationRoutes>[0] &
  Parameters<typeof billingRoutes>[0] &
  Parameters<typeof statisticsRoutes>[0] &
  Parameters<typeof openAiChatRoutes>[0] &
  Parameters<typeof responseRoutes>[0] &
  Parameters<typeof anthropicMessageRoutes>[0] &
  Parameters<typeof imageRoutes>[0] &
  Parameters<typeof openAiImageRoutes>[0] &
  Parameters<typeof embeddingRoutes>[0] &
  Parameters<typeof rerankRoutes>[0] &
  Parameters<typeof audioRoutes>[0] &
  Parameters<typeof audioJobRoutes>[0] &
  Parameters<typeof batchRoutes>[0] &
  Parameters<typeof moderationRoutes>[0] &
  Parameters<typeof webhookRoutes>[0] &
  Parameters<typeof orderRoutes>[0] &
  Parameters<typeof paymentRoutes>[0];

export function allRoutes(services: RouteServices, config: Config): Route[] {
  const routes: Route[] = [
    ...authRoutes(services, config),
    ...userRoutes(services, config),
    ...accessKeyRoutes(services, config),
    ...adminAccessKeyRoutes(services, config),
    ...adminBatchRoutes(services, config),
    ...adminFeedRoutes(services, config),
    ...adminJobRoutes(services, config),
    ...adminLedgerRoutes(services, config),
    ...adminOrderRoutes(services, config),
    ...adminSettingRoutes(config),
    ...adminOverviewRoutes(services, config),
    ...auditRoutes(services, config),
    ...providerKeyRoutes(services, config),
    ...providerRoutes(services, config),
    ...modelRoutes(services, config),
    ...chatRoutes(services),
    ...openAiChatRoutes(services),
    ...responseRoutes(services),
    ...anthropicMessageRoutes(services),
    ...imageRoutes(services),
    ...openAiImageRoutes(services),
    ...embeddingRoutes(services),
    ...rerankRoutes(services),
    ...audioRoutes(services),
    ...audioJobRoutes(services),
    ...fileRoutes(services),
    ...batchRoutes(services),
    ...moderationRoutes(services),
    ...jobRoutes(services, config),
    ...conversationRoutes(services, config),
    ...billingRoutes(services, config),
    ...statisticsRoutes(services, config),
    ...webhookRoutes(services, config),
    ...orderRoutes(services, config),
    ...paymentRoutes(services, config),
    ...serviceRoutes(services, config),
  ];
  routes.push(...docsRoutes(() => routes));
  return routes;
}
