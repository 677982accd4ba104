/**
 * What every error code means and what to do about it: the source of the tables in docs/operations.md (a test compares them)
 * and of what `facet explain` advises. The texts are Markdown; plainGuide gives them as a terminal shows them.
 */
import type { ErrorCode } from './errors.js';

export interface ErrorGuide {
  readonly meaning: string;
  readonly advice: string;
}

/** By code, in Markdown; links are relative to docs/operations.md. */
export const ERROR_GUIDE: Readonly<Record<ErrorCode, ErrorGuide>> = {
  BROKER_NOT_FOUND: {
    meaning: 'no `nats-server` on this machine',
    advice:
      'install it, or set `NATS_SERVER_BIN`, or name a running one with `--nats`; the message lists ' +
      'what was tried',
  },
  BROKER_UNREACHABLE: {
    meaning: 'nobody answers at `nats.url`, or the broker that was started did not come up',
    advice: "start `nats-server -js`; check address, port and firewall, from the workers' machines too",
  },
  BROKER_NO_JETSTREAM: {
    meaning: 'the broker runs without JetStream',
    advice: 'start it with `-js`',
  },
  BROKER_REFUSED: {
    meaning: 'the broker is there and refuses: the login, the rights of the user, or TLS',
    advice: "the message says which; correct `nats.url`, the user's permissions, or `NODE_EXTRA_CA_CERTS`",
  },
  MEMORY_REFUSED: {
    meaning: 'the system gives the process no more memory',
    advice: "raise `ulimit -v` or the container's limit, or use fewer workers",
  },
  CAPTURE_UNSUPPORTED: {
    meaning: 'the task uses an operation or a layer that cannot be captured',
    advice: 'use another one: [layers](layers.md) lists them',
  },
  CERTIFICATE_INVALID: {
    meaning: 'the files of a TLS folder are wrong, do not belong together, or have expired',
    advice:
      'the message names the file and what is wrong; make new ones with `facet certs issue` or ' +
      '`facet certs renew` ([security](security.md))',
  },
  CERTIFICATE_REFUSED: {
    meaning: 'a peer shows a certificate that is not believed, or is for another role, host or worker',
    advice: 'the message names the peer, the reason and the command that mends it',
  },
  CHECKPOINT_INCOMPATIBLE: {
    meaning: 'a resume would change the arithmetic, or the checkpoint is of another version or another ledger',
    advice:
      'leave out the key that is named; use the version that wrote the checkpoint; restore the ' +
      'ledger that belongs to it',
  },
  CHECKPOINT_INVALID: {
    meaning: 'a checkpoint is damaged; the file is named',
    advice: 'a resume passes it over and uses the one before; otherwise name another one',
  },
  CONFIG_INVALID: {
    meaning: 'an unknown or wrong flag, key or value; all of them are listed',
    advice:
      `correct them. "a micro-batch takes N bytes": raise the broker's \`max_payload\`, lower ` +
      '`batch.micro`, or set `data: local`',
  },
  COORDINATOR_UNREACHABLE: {
    meaning: 'no coordinator answers at the address, for a worker even after some time',
    advice:
      'start it; check address and firewall. After a crash, start it again with `--resume` at the ' + 'same address',
  },
  DATASET_INVALID: {
    meaning: "a file of the dataset is damaged, of the wrong size, or differs from the coordinator's",
    advice: 'fetch it again (`facet dataset fetch`), or give every machine the same files, or set `data: ' + 'stream`',
  },
  DATASET_UNAVAILABLE: {
    meaning: 'the dataset is not on this machine and cannot be fetched',
    advice: 'check the network; or put the files into a folder and name it with `--data-folder`',
  },
  DISK_REFUSED: {
    meaning: 'the file system refuses: no right to the place, a full disk, a read-only file system',
    advice: 'the message names the path and what to do; `FACET_RUNS` names another folder for runs',
  },
  ENGINE_UNAVAILABLE: {
    meaning: 'the engine or device that was asked for does not work on this machine, or none does',
    advice:
      '`facet doctor` says what works here and what to install; take another `--engine` or ' +
      '`--device`, or `auto`; for TensorFlow see [Engines](#engines)',
  },
  HOST_UNREACHABLE: {
    meaning: 'a host of `--hosts` cannot be reached, or has no `facet`, and the others are too few',
    advice: 'read what ssh says: `ssh HOST true` must work without a question; see [ssh](deploy/ssh.md)',
  },
  IMAGE_INVALID: {
    meaning: 'an image for `facet predict` is missing, empty, damaged, or neither PNG nor JPEG',
    advice: 'correct the path, or convert the file; the other images were done',
  },
  LEDGER_INVALID: {
    meaning: 'the ledger cannot be read, is damaged, or is not what the plan says',
    advice: 'restore it from a copy; there is no other way to prove what was trained',
  },
  OUTPUT_EXISTS: {
    meaning: 'the folder for an export holds something already',
    advice: 'choose a new folder, or add `--force`',
  },
  PORT_BUSY: {
    meaning: 'another process has the port',
    advice: 'choose another one, or 0 for any free one',
  },
  RUN_EXISTS: {
    meaning: 'the name is taken',
    advice: 'continue it with `facet resume`, or choose another `--run`',
  },
  RUN_LOCKED: {
    meaning: 'another coordinator is at work on this run',
    advice:
      'stop it first. If it died on another machine or in a container, start the command again: it ' +
      'watches the lock for 10 s and takes it if nobody touches it',
  },
  RUN_MISMATCH: {
    meaning:
      'a worker of one run came to the coordinator of another one, usually left over from a run ' + 'that is gone',
    advice:
      'nothing, if its own coordinator comes back: it keeps looking. Otherwise it gives up; start a ' +
      'worker anew for the other run',
  },
  RUN_NAME_INVALID: {
    meaning: 'the name could not be a folder inside the runs folder',
    advice: '1 to 64 letters, digits, `-` and `_`, the first a letter or a digit',
  },
  RUN_NOT_FOUND: {
    meaning: 'there is no such run in the runs folder',
    advice: 'the message lists those that there are; `FACET_RUNS` names the folder',
  },
  STORE_REFUSED: {
    meaning: "the run's store is full, gives these keys no right, or has no such bucket",
    advice: 'do what the message says; then resume',
  },
  STORE_UNREACHABLE: {
    meaning: "the run's store did not answer, throttled or failed for as long as it was asked again",
    advice: 'mend the store, then resume: what it lacks is sent from the folder of the run',
  },
  STUDY_CHANGED: {
    meaning:
      'a study of `facet ablate` was planned with another configuration, or its arms are others in ' + 'this version',
    advice: 'choose another `--study`, or leave the key out that is named',
  },
  TASK_INVALID: {
    meaning: 'a task of your own cannot be loaded, or is not as it must be',
    advice: 'do what the message says; see [own task](own-task.md)',
  },
  TOKEN_INVALID: {
    meaning: "a worker, an operator or a coordinator did not show that it has the run's token",
    advice:
      'copy `run.token` (operators: `operator.token`) from the folder of the run, and name the copy ' +
      'with `FACET_RUN_TOKEN_FILE` (`FACET_OPERATOR_TOKEN_FILE`); see [security](security.md)',
  },
  VERSION_MISMATCH: {
    meaning:
      "a worker's code, configuration version or program differs from the coordinator's or the " + "first worker's",
    advice: 'install the same version of Facet and its packages on every machine; both are named',
  },
  PEER_UNAVAILABLE: {
    meaning:
      'a worker is gone, was silent for longer than `timeouts.heartbeatMs`, or cannot be reached by ' +
      'another one; as the end of a run: too few workers in time',
    advice:
      'see why it died (memory?); workers must reach each other (`--listen`, `--port`, ' +
      '`--advertise`); raise `timeouts.heartbeatMs` if a machine is only busy',
  },
  STEP_TIMEOUT: {
    meaning:
      "a peer's contribution did not come within `timeouts.stepMs` (a sum of others' within 1.5 to " +
      '2.5 times that), or the engine did not answer; rank, step, bucket and peer are named',
    advice: 'a slow or stopped worker or network; raise `timeouts.stepMs` if steps really take that long',
  },
  SHARD_TIMEOUT: {
    meaning: 'a micro-batch did not come within `timeouts.stepMs`',
    advice: 'is the broker up, and does the coordinator publish? See its log',
  },
  FRAME_INVALID: {
    meaning: 'data of the all-reduce or of a state came damaged or out of place',
    advice: 'once: it was redone. Often: check the network card and the memory of the two machines that ' + 'are named',
  },
  STALE: {
    meaning: 'somebody asked for a generation or a state that is over',
    advice: 'nothing: it follows from another fault',
  },
  DESYNC: {
    meaning: 'two workers have different weights after the same step, or a replay differs from the ledger',
    advice:
      'with mixed engines, or after a resume on another engine or kind of CPU, that is the likely ' +
      'cause, and the message names the engines: resume with each worker on the engine that it had, ' +
      'or start a new run with one. Otherwise check the memory of the machine that is named; then ' +
      'resume from the last checkpoint',
  },
  ACCOUNTING: {
    meaning: 'a gradient does not hold exactly the samples of its step, or the ledger cannot be written',
    advice: '"cannot write the ledger": free or mend the disk, then resume. Anything else: report it',
  },
  NON_FINITE: {
    meaning: 'the loss or the gradient is not a number',
    advice: 'lower `optimizer.peakLearningRate` or turn on `optimizer.clipNorm`, in a new run',
  },
  SHARD_INVALID: {
    meaning: 'micro-batches came twice in a row that are not those of the plan',
    advice: "same version everywhere? Does another program write to the broker's subjects `facet.*`?",
  },
  STRAGGLER: {
    meaning:
      'this worker was much slower than the others, and `stragglers.exclude` is on; the run goes on ' + 'without it',
    advice: 'mend its machine, then start a new worker',
  },
  CANCELLED: {
    meaning: 'something was stopped on purpose',
    advice: 'nothing',
  },
  EXPORT_MISMATCH: {
    meaning: 'what `facet export` wrote answers otherwise than our own evaluation (no run is touched)',
    advice: 'do not use the files, keep them, and report it',
  },
  INTERNAL: {
    meaning: 'something that should not happen, a full disk included',
    advice: 'the message and the log say what; report it if it is not the machine',
  },
};

/** What a code means and what to do, with links as names of pages. */
export function plainGuide(code: ErrorCode): ErrorGuide {
  const { meaning, advice } = ERROR_GUIDE[code];
  return { meaning: withoutLinks(meaning), advice: withoutLinks(advice) };
}

/** `[ssh](deploy/ssh.md)` becomes `docs/deploy/ssh.md`. */
function withoutLinks(text: string): string {
  return text.replace(/\[[^\]]*\]\(([^)]*)\)/g, (_, target: string) =>
    target.startsWith('#') ? `docs/operations.md${target}` : `docs/${target}`,
  );
}
