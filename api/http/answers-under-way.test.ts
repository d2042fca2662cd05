import assert from 'node:assert/strict';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { AppError } from '../../infra/errors.ts';
import { admitWaiting } from './answers-under-way.ts';

const response = () => new ServerResponse(new IncomingMessage(new Socket()));

test('a user has a thousand requests that wait and no more; others are not in the way, and one that is left makes room', () => {
  const open = Array.from({ length: 1_000 }, response);
  for (const one of open) admitWaiting(one, 7);
  const late = response();
  assert.throws(
    () => admitWaiting(late, 7),
    (error) =>
      error instanceof AppError && error.kind === 'tooManyRequests' && /1000 requests of yours/.test(error.message),
  );
  admitWaiting(response(), 8);
  open[0]?.emit('close');
  admitWaiting(late, 7);
  assert.throws(() => admitWaiting(response(), 7), AppError);
});
