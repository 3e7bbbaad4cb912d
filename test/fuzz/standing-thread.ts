/** The thread of standing-worker.ts: a desk for whoever brings a port. */
import { type MessagePort, parentPort } from 'node:worker_threads';
import { IngestDesk } from '../../src/vault/ingest/desk.ts';
import type { WorkerSetup } from '../../src/vault/ingest/messages.ts';

parentPort!.on('message', ({ port, setup }: { port: MessagePort; setup: WorkerSetup }) => {
  new IngestDesk(port, setup);
});
