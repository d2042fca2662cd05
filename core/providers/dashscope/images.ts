/** Pictures of DashScope: a synchronous call or a task, as the model's data says (PROVIDERS.md, 1). */
import { setTimeout } from 'node:timers/promises';
import type { CallLimits, Outbound } from '../../../infra/outbound.ts';
import type { ImageAdapter } from '../provider.ts';
import { dashScopeImageModel, isTask } from './image-models.ts';
import { nativeImageBody } from './image-request.ts';
import { imageAnswerOf } from './image-result.ts';
import { createNativeCalls, type NativeCall } from './native-call.ts';
import { runTask, type TaskDependencies, type Wait } from './tasks.ts';

export interface DashScopeImageDependencies {
  readonly outbound: Outbound;
  /** Of a call that makes the pictures while the connection waits. */
  readonly limits: CallLimits;
  readonly wait?: Wait;
  readonly nowMs?: () => number;
}

export function createDashScopeImages(dependencies: DashScopeImageDependencies): ImageAdapter {
  const { outbound, limits, wait = pause, nowMs = () => performance.now() } = dependencies;
  const send = createNativeCalls(outbound);
  const taskDependencies: TaskDependencies = { send, wait, nowMs, totalMs: limits.totalMs };

  return {
    generate: async (target, request, tasks, context) => {
      const { call } = dashScopeImageModel(target.model);
      const body = nativeImageBody(request, target.model);
      const generation: NativeCall = { method: 'POST', path: `/services/aigc/${call}`, body, limits };
      const answer = isTask(call)
        ? await runTask(taskDependencies, target, generation, tasks, context)
        : await send(target, generation, context.signal);
      return imageAnswerOf(answer, target.apiKey);
    },
  };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return setTimeout(ms, undefined, { signal });
}
