/** Inserts that may be repeated. */
import mongoose, { type Model } from 'mongoose';
import type { Mongo } from './connection.ts';

const DUPLICATE_KEY = 11_000;

/**
 * Inserts documents without casts or defaults. A document whose `_id` already exists is not changed.
 * Not upserts: FerretDB takes tens of milliseconds for each, and a bulk of them can hang it.
 * @returns how many were new.
 * @throws {AppError} databaseUnavailable; some of them may have been inserted.
 */
export async function insertOnce<Document extends { readonly _id: string }>(
  mongo: Mongo,
  model: Model<Document>,
  documents: readonly Document[],
  waitMs?: number,
): Promise<number> {
  if (documents.length === 0) return 0;
  try {
    await mongo.use(() => model.insertMany([...documents], { ordered: false, lean: true }), waitMs);
    return documents.length;
  } catch (error) {
    if (!(error instanceof mongoose.mongo.MongoBulkWriteError)) throw error;
    const errors = [error.writeErrors].flat();
    if (errors.length > 0 && errors.every(({ code }) => code === DUPLICATE_KEY))
      return documents.length - errors.length;
    // The error carries the documents, which are not for the log.
    throw new Error(`MongoDB did not take all documents: ${error.code} ${error.errmsg ?? ''}`);
  }
}
