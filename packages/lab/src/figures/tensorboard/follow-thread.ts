/**
 * The thread that follows a ledger. The coordinator's own thread never waits for the disk of the event files, and never reads
 * a ledger twice. The first thing that goes wrong ends this thread; its error is the parent's to report.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { EventWriter, type FollowPlan } from './event-writer.js';

const POLL_MS = 500;

const follower = new EventWriter(workerData as FollowPlan, Date.now());
follower.poll();
const timer = setInterval(() => {
  follower.poll();
}, POLL_MS);
// The only message: the ledger has all that it will have.
parentPort?.once('message', () => {
  clearInterval(timer);
  follower.poll();
  follower[Symbol.dispose]();
});
