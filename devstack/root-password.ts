/** Which password ROOT really has: ROOT_PASSWORD counts only when the database is new, so it is tried, not believed. */
import { z } from 'zod';
import { DemoCallFailed, DemoClient } from './demo-client.ts';

export type RootPassword =
  /** `asked`: the user's ROOT_PASSWORD; `known`: that of an earlier start, or made at random here. */
  { readonly kind: 'asked' | 'known' | 'known-not-asked'; readonly password: string } | { readonly kind: 'unknown' };

/** @param passwords `asked` is what the user has set, `known` what the data folder remembers. */
export async function findRootPassword(
  apiUrl: string,
  passwords: { readonly asked: string | undefined; readonly known: string },
  signal: AbortSignal,
): Promise<RootPassword> {
  const client = new DemoClient(apiUrl, signal);
  const { asked, known } = passwords;
  if (asked !== undefined && (await opens(client, asked))) return { kind: 'asked', password: asked };
  if (!(await opens(client, known))) return { kind: 'unknown' };
  return { kind: asked === undefined ? 'known' : 'known-not-asked', password: known };
}

async function opens(client: DemoClient, password: string): Promise<boolean> {
  try {
    await client.call('POST', '/v1/auth/login', { body: { username: 'root', password }, data: z.unknown() });
    return true;
  } catch (error) {
    if (error instanceof DemoCallFailed) return false;
    throw error;
  }
}
