/** What a data folder remembers of its servers, so that a restart keeps ports and password and others can attach. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const partSchema = z.object({
  ports: z.record(z.string(), z.number().int()),
  /** Absent for a server that the user named and we only use. */
  installation: z
    .object({
      origin: z.string(),
      programs: z.record(z.string(), z.string()),
      environment: z.record(z.string(), z.string()),
    })
    .optional(),
  settings: z.record(z.string(), z.string()),
});

const stateSchema = z.object({
  password: z.string(),
  parts: z.partialRecord(z.enum(['mysql', 'redis', 'mongo', 'temporal']), partSchema),
});

export type PartState = z.infer<typeof partSchema>;
export type StackState = z.infer<typeof stateSchema>;

function stateFile(dataFolder: string): string {
  return join(dataFolder, 'stack.json');
}

/** The remembered state; a fresh one where there is none. */
export function readStackState(dataFolder: string): StackState {
  try {
    return stateSchema.parse(JSON.parse(readFileSync(stateFile(dataFolder), 'utf8')));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    return { password: randomBytes(12).toString('base64url'), parts: {} };
  }
}

/** Replaces the state in one step. Readable by the owner only: it holds the database's password. */
export function writeStackState(dataFolder: string, state: StackState): void {
  mkdirSync(dataFolder, { recursive: true });
  const aside = `${stateFile(dataFolder)}.new`;
  writeFileSync(aside, JSON.stringify(state, undefined, 2), { mode: 0o600 });
  renameSync(aside, stateFile(dataFolder));
}
