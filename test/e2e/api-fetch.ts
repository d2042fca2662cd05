/** Calls of API processes whose answers must be as the OpenAPI document that they serve describes them. */
import assert from 'node:assert/strict';
import { Contract } from '../../api/http/contract.fixture.ts';

/** One a test file: all its API processes run the same code. */
let contract: Promise<Contract> | undefined;
const broken: string[] = [];

/** Reads the document; `startProduct` does so, before a test kills processes. */
export function readContract(apiUrl: string): Promise<Contract> {
  contract ??= fetch(`${apiUrl}/openapi.json`).then(async (answer) => new Contract(await answer.json()));
  return contract;
}

/** As `fetch`. @throws {AssertionError} when the document does not know such an answer. */
export async function apiFetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  const answer = await fetch(input, init);
  const url = new URL(input instanceof Request ? input.url : input);
  // OpenAI's client tries its fetch with a `data:` address.
  if (url.protocol !== 'http:') return answer;
  const method = init?.method ?? (input instanceof Request ? input.method : 'GET');
  const contentType = answer.headers.get('content-type');
  const text = contentType?.startsWith('application/json') ? await answer.clone().text() : '';
  const given = { method: method.toUpperCase(), path: url.pathname, status: answer.status, contentType, text };
  const document = await readContract(url.origin);
  try {
    document.check(given);
  } catch (error) {
    broken.push(error instanceof Error ? error.message : String(error));
    throw error;
  }
  return answer;
}

/** Fails when an answer broke the contract, also where a test that expects failures has overlooked it. */
export function assertContractKept(): void {
  assert.deepEqual(broken, []);
}
