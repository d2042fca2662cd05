/** The one table of the local stack's servers. */
import { mongo } from './mongo.ts';
import { mysql } from './mysql.ts';
import type { PartName, ServerPart } from './part.ts';
import { redis } from './redis.ts';
import { temporal } from './temporal.ts';

export const PARTS: Readonly<Record<PartName, ServerPart>> = { mysql, redis, mongo, temporal };
export const PART_NAMES: readonly PartName[] = ['mysql', 'redis', 'mongo', 'temporal'];
