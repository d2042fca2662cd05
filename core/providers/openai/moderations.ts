/** OpenAI's moderations, passed through. */
import { UpstreamFailure } from '../failure.ts';
import type { ModerationAdapter } from '../provider.ts';
import type { Call, OpenAiClient } from './client.ts';
import { classifyOpenAi } from './errors.ts';
import { readObject } from './whole-answers.ts';

export function createModerationAdapter(client: OpenAiClient): ModerationAdapter {
  return {
    moderate: async ({ urlBase, apiKey, model }, { input, extra }, { signal }) => {
      const call: Call = { urlBase, apiKey, signal, classify: classifyOpenAi };
      const body = await readObject(await client.post(call, '/moderations', { ...extra, model, input }), call);
      if (Array.isArray(body.results)) return body;
      throw new UpstreamFailure('transient', 'the provider gave no results of a moderation', { status: 200 });
    },
  };
}
