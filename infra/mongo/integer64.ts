/** 64-bit integers as the driver returns them. */
import mongoose from 'mongoose';
import { z } from 'zod';

/** A Long above 2^53, a number below; exact either way. */
export const integer64 = z
  .union([z.bigint(), z.number().int(), z.instanceof(mongoose.mongo.Long)])
  .transform((value) => (value instanceof mongoose.mongo.Long ? value.toBigInt() : BigInt(value)));
