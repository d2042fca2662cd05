/**
 * One scrape brings the metrics of all API processes behind the port, whichever of them answers it: it asks the process
 * that started them, which asks each that listens. Their series differ by the label `process`; nothing is summed, because
 * some gauges are of the whole installation.
 */
import cluster, { type Worker } from 'node:cluster';
import { AggregatorRegistry, type Registry } from 'prom-client';
import { z } from 'zod';

/** One that does not answer by then is left out. */
const TOLD_WITHIN_MS = 3_000;
const ANSWER_WITHIN_MS = 6_000;

const id = z.number();
const toProcess = z.discriminatedUnion('type', [
  z.object({ type: z.literal('metrics-wanted'), id }),
  z.object({ type: z.literal('metrics-of-all'), id, text: z.string() }),
]);
const fromProcess = z.discriminatedUnion('type', [
  z.object({ type: z.literal('metrics-of-all-wanted'), id }),
  z.object({ type: z.literal('metrics'), id, metrics: z.array(z.looseObject({})) }),
]);
type ToProcess = z.input<typeof toProcess>;
type FromProcess = z.input<typeof fromProcess>;

/** Questions that wait for their answer. */
class Questions<Answer> {
  readonly #waiting = new Map<number, (answer: Answer | undefined) => void>();
  #count = 0;

  /** @returns undefined when nobody has answered in time. */
  async ask(withinMs: number, send: (id: number) => void): Promise<Answer | undefined> {
    this.#count += 1;
    const own = this.#count;
    try {
      return await new Promise((resolve) => {
        this.#waiting.set(own, resolve);
        setTimeout(resolve, withinMs, undefined).unref();
        send(own);
      });
    } finally {
      this.#waiting.delete(own);
    }
  }

  answer(of: number, answer: Answer): void {
    this.#waiting.get(of)?.(answer);
  }
}

/** In one of several processes. @returns what reads the metrics of all; of this one where the others are not to be had. */
export function joinProcesses(worker: Worker, registry: Registry): () => Promise<string> {
  const questions = new Questions<string>();
  const send = (message: FromProcess) => void process.send?.(message);
  registry.setDefaultLabels({ process: String(worker.id) });
  process.on('message', async (message) => {
    const { data: said } = toProcess.safeParse(message);
    if (said?.type === 'metrics-of-all') questions.answer(said.id, said.text);
    if (said?.type === 'metrics-wanted') {
      send({ type: 'metrics', id: said.id, metrics: await plain(registry).catch(() => []) });
    }
  });
  return async () => {
    const all = await questions.ask(ANSWER_WITHIN_MS, (own) => send({ type: 'metrics-of-all-wanted', id: own }));
    return all ?? (await registry.metrics());
  };
}

async function plain(registry: Registry): Promise<Record<string, unknown>[]> {
  return (await registry.getMetricsAsJSON()).map((metric) => ({ ...metric }));
}

/** In the process that starts the others. @param own metrics of its own. @param listening the others. */
export function answerMetricsQuestions(own: Registry, listening: () => Iterable<Worker>): void {
  const questions = new Questions<object[]>();
  const send = (worker: Worker, message: ToProcess) => void (worker.isConnected() && worker.send(message));
  const all = async (): Promise<string> => {
    const asked = [...listening()].map((worker) =>
      questions.ask(TOLD_WITHIN_MS, (of) => send(worker, { type: 'metrics-wanted', id: of })),
    );
    const answered = (await Promise.all(asked)).filter((metrics) => metrics !== undefined);
    return `${await AggregatorRegistry.aggregate(answered).metrics()}\n${await own.metrics()}`;
  };
  cluster.on('message', async (worker, message) => {
    const { data: said } = fromProcess.safeParse(message);
    if (said?.type === 'metrics') questions.answer(said.id, said.metrics);
    if (said?.type === 'metrics-of-all-wanted') {
      send(worker, { type: 'metrics-of-all', id: said.id, text: await all() });
    }
  });
}
