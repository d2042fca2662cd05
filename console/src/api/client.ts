/** The API as typed queries and changes. Envelopes are opened here, failures become `ApiError`. */
import { MutationCache, notifyManager, QueryCache, QueryClient, queryOptions } from '@tanstack/react-query';
import createFetchClient, { type Middleware } from 'openapi-fetch';
import createQueries from 'openapi-react-query';
import { i18n } from '../language/language.ts';
import { loadApiWords, showFailure } from '../shared/failure.ts';
import { ApiError, errorOf, TRACE_HEADER } from './api-error.ts';
import { sender } from './changes.ts';
import { parseExact } from './exact-json.ts';
import type { paths } from './generated/schema.ts';

/** The API's number of: nobody is signed in. The sign-in is shown for it, and no failure. */
const LOGIN_REQUIRED = 401_004;

/** What can be said of it comes along. */
async function failureOf(response: Response, body: unknown): Promise<ApiError> {
  const error = errorOf(response.status, body, response.headers.get(TRACE_HEADER));
  if (error.code !== LOGIN_REQUIRED) await loadApiWords();
  return error;
}

const opened: Middleware = {
  async onResponse({ response }) {
    const isJson = response.headers.get('Content-Type')?.startsWith('application/json') ?? false;
    if (!isJson) {
      if (response.ok) return undefined;
      throw await failureOf(response, { message: response.statusText });
    }
    const body = parseExact(await response.text());
    if (!response.ok) throw await failureOf(response, body);
    const { status, statusText } = response;
    const data = typeof body === 'object' && body !== null && 'traceId' in body && 'data' in body ? body.data : body;
    const trace = response.headers.get(TRACE_HEADER);
    return new Response(JSON.stringify(data), { status, statusText, headers: trace ? { [TRACE_HEADER]: trace } : {} });
  },
};

const send = sender({
  send: (request) => fetch(request),
  session: () => queryClient.getQueryData(SESSION.queryKey),
  // Whoever it is by now, the whole page learns it.
  askAgain: () => queryClient.fetchQuery({ ...SESSION, staleTime: 0 }),
  otherUser: () => new ApiError(403, 0, i18n.t('failure.otherUser'), [], undefined),
  pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
});

export const client = createFetchClient<paths>({ baseUrl: location.origin, fetch: send });
client.use(opened);

export const api = createQueries(client);

/** The header that names the key by its id: nobody needs its text. */
export function withKey(accessKeyId: number) {
  return { 'X-Access-Key-Id': String(accessKeyId) };
}

/** Who is signed in, with the CSRF token that every change brings along; null for nobody. */
export const SESSION = queryOptions({
  queryKey: ['session'],
  queryFn: async ({ signal }) => {
    try {
      const { data } = await client.GET('/v1/auth/session', { signal });
      return data ?? null;
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return null;
      throw error;
    }
  },
});

const STALE_MS = 10_000;
const RETRIES = 2;

/** What fails for a reason of the caller's fails again. */
function retry(count: number, error: unknown): boolean {
  return count < RETRIES && !(error instanceof ApiError && error.status < 500);
}

/** Where it has ended, the shell shows the sign-in. */
function lookForSession(error: unknown): void {
  if (error instanceof ApiError && error.status === 401) void queryClient.invalidateQueries(SESSION);
}

// A button is disabled before a second click can come, not in a later task.
notifyManager.setScheduler(queueMicrotask);

/**
 * After any change everything on the page is asked again: nothing shows what was before. After one that failed, too: its
 * answer may have been lost alone.
 */
export const queryClient: QueryClient = new QueryClient({
  defaultOptions: { queries: { staleTime: STALE_MS, retry } },
  queryCache: new QueryCache({ onError: lookForSession }),
  mutationCache: new MutationCache({
    onSuccess: () => queryClient.invalidateQueries(),
    onError: (error) => {
      void queryClient.invalidateQueries();
      showFailure(error);
    },
  }),
});
