/** Whether texts and pictures are harmful, in OpenAI's form, as the provider says. */
import { z } from 'zod';
import type { ModerationOutcome, ModerationService } from '../../activities/inference/moderations.ts';
import { passedFields } from '../../activities/inference/request-policy.ts';
import type { ModerationRequest } from '../../core/providers/provider.ts';
import { OPENAI } from '../http/forms.ts';
import type { InferenceServices, WholeCall } from '../http/inference-call.ts';
import { inferenceRoute } from '../http/inference-route.ts';
import type { Route } from '../http/route.ts';
import { MOST_CHARACTERS, modelNameInput, openAiRequestIdInput } from './chat.ts';

const MOST_INPUTS = 1_000;
const text = z.string().max(MOST_CHARACTERS);
const body = z
  .looseObject({
    model: modelNameInput.nullish().describe('Identifier of the model; the gateway chooses when left out'),
    input: z
      .union(
        [
          text.min(1),
          z
            .array(z.union([text, z.looseObject({})]))
            .min(1)
            .max(MOST_INPUTS),
        ],
        {
          error: 'must be a text, a list of texts, or a list of parts with text or image_url',
        },
      )
      .describe('A text, several, or parts with text or image_url'),
    request_id: openAiRequestIdInput,
  })
  .meta({ description: 'OpenAI moderations; fields that are not listed pass to the provider.' });

const answer = z
  .looseObject({
    model: z.string().describe('As the request names it, or the one that was chosen'),
    results: z.array(z.looseObject({})).describe('One for each input: flagged, categories, category_scores'),
  })
  .meta({ description: 'OpenAI moderations' });

interface Asked {
  readonly model: string | undefined;
  readonly requestId: string | undefined;
  readonly request: ModerationRequest;
}

interface Services extends InferenceServices {
  readonly moderations: ModerationService;
}

export function moderationRoutes(services: Services): Route[] {
  return [
    inferenceRoute(services, {
      path: '/v1/moderations',
      operationId: 'createModeration',
      summary: 'Whether texts and pictures are harmful, under OpenAI’s own path',
      body,
      success: answer,
      form: OPENAI,
      parse: ({ body: asked }) => askedOf(asked),
      requestId: ({ requestId }) => requestId,
      run: ({ model, request: asked }, { request, context }: WholeCall<ModerationOutcome>) => {
        const name = model === undefined ? {} : { identifier: model };
        return services.moderations.moderate({ ...request, model: name, request: asked }, context);
      },
      render: (outcome, { model }) => ({ ...outcome.answer, model: model ?? outcome.modelIdentifier }),
    }),
  ];
}

/** @throws {AppError} naming each field that a caller may not set. */
function askedOf({ model, input, request_id: requestId, ...rest }: z.output<typeof body>): Asked {
  return {
    model: model ?? undefined,
    requestId: requestId ?? undefined,
    request: { input, extra: passedFields(rest) },
  };
}
