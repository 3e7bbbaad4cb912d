import { test } from 'node:test';
import { pushSystemTree } from '../support/system-push.ts';

test('/usr/lib pushed, changed and pushed again, without and with --delete, is what a stock daemon holds', async (t) => {
  await pushSystemTree(t, '/usr/lib', 20 << 20);
});
