/**
 * One scrape brings the metrics of all API processes behind the port, whichever of them answers it: it asks the process
 * that started them, which asks each. Their series differ by the label `process`; nothing is summed, because some gauges
 * tell of the whole installation.
 */
import cluster, { type Worker } from 'node:cluster';
import { AggregatorRegistry, type Registry } from 'prom-client';
import { z } from 'zod';

const ANSWER_WITHIN_MS = 6_000;

const questionSchema = z.object({ type: z.literal('metrics-question'), id: z.number() });
const answerSchema = z.object({ type: z.literal('metrics-answer'), id: z.number(), text: z.string().optional() });

/** In one of several processes. @returns what reads the metrics of all; of this one where the others are not to be had. */
export function joinProcesses(worker: Worker, registry: Registry): () => Promise<string> {
  const waiting = new Map<number, (text: string | undefined) => void>();
  let questions = 0;
  registry.setDefaultLabels({ process: String(worker.id) });
  // Answers the questions that prom-client asks of each process.
  AggregatorRegistry.setRegistries(registry);
  new AggregatorRegistry();
  process.on('message', (message) => {
    const { data: answer } = answerSchema.safeParse(message);
    if (answer) waiting.get(answer.id)?.(answer.text);
  });
  return async () => {
    const id = ++questions;
    const answer = new Promise<string | undefined>((resolve) => {
      waiting.set(id, resolve);
      setTimeout(resolve, ANSWER_WITHIN_MS, undefined).unref();
    });
    process.send?.({ type: 'metrics-question', id } satisfies z.input<typeof questionSchema>);
    try {
      return (await answer) ?? (await registry.metrics());
    } finally {
      waiting.delete(id);
    }
  };
}

/** In the process that starts the others. @param own metrics of its own. */
export function answerMetricsQuestions(own: Registry): void {
  const all = new AggregatorRegistry();
  cluster.on('message', async (worker, message) => {
    const { data: question } = questionSchema.safeParse(message);
    if (!question) return;
    // One that does not answer in time costs the scrape the others, too: the asking one tells its own then.
    const texts = await Promise.all([all.clusterMetrics(), own.metrics()]).catch(() => undefined);
    const answer: z.input<typeof answerSchema> = { type: 'metrics-answer', id: question.id, text: texts?.join('\n') };
    if (worker.isConnected()) worker.send(answer);
  });
}
