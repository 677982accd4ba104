/** The processes of a harmed run: each ends with its stdin, so none of them outlives the bench, even one that is killed. */
import { spawn, type ChildProcess } from 'node:child_process';

export interface Children {
  /** Starts Node with its output in an open file, or nowhere; `changes` are beside the environment of all. */
  start(args: readonly string[], output: number | 'ignore', changes?: NodeJS.ProcessEnv): ChildProcess;
  /** Kills whoever still lives, and waits for them. */
  killAll(): Promise<void>;
}

/** Nobody, to begin with. */
export function createChildren(env: NodeJS.ProcessEnv): Children {
  const living = new Map<ChildProcess, Promise<void>>();
  return {
    start(args, output, changes) {
      const child = spawn(process.execPath, args, { env: { ...env, ...changes }, stdio: ['pipe', output, output] });
      const ended = new Promise<void>((resolve) => {
        child.once('error', () => {
          resolve();
        });
        child.once('exit', () => {
          living.delete(child);
          resolve();
        });
      });
      living.set(child, ended);
      return child;
    },
    async killAll() {
      const ends = [...living.values()];
      for (const child of living.keys()) child.kill('SIGKILL');
      await Promise.all(ends);
    },
  };
}
