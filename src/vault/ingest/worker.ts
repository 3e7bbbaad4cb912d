/** An ingest worker: a thread of its own for a desk. */
import { parentPort, workerData } from 'node:worker_threads';
import { IngestDesk } from './desk.ts';
import type { WorkerSetup } from './messages.ts';

new IngestDesk(parentPort!, workerData as WorkerSetup);
