/** A chat job's request as its row has it. */
import { z } from 'zod';

/** What POST /v1/async/chat stored; checked there, read again here. */
export const storedChatSchema = z.looseObject({
  userMessage: z.string().optional(),
  history: z.array(z.object({ role: z.string(), content: z.string() })).optional(),
  images: z.array(z.object({ base64: z.string().optional(), url: z.string().optional() })).optional(),
  options: z.record(z.string(), z.unknown()).optional(),
});
