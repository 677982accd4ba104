import { PassThrough } from 'node:stream';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { Coordination } from '@facet/proto';
import { expect, it, onTestFinished } from 'vitest';
import { runInProcess } from '../test/run-cli.js';
import { printJson, printLine, type OutputStream } from './context.js';
import { tableLines } from './display/table.js';

const COMMAND = '\u001b[2J';

function printed(print: (stream: OutputStream) => void): string {
  const stream = new PassThrough();
  print(stream as unknown as OutputStream);
  return (stream.read() as Buffer).toString('utf8');
}

it('prints lines of text and of JSON without commands to the terminal', () => {
  expect(
    printed((stream) => {
      printLine(stream, `a\n${COMMAND}`);
    }),
  ).toBe('a\n\\x1b[2J\n');
  expect(
    printed((stream) => {
      printJson(stream, { file: `${COMMAND}\u009b` });
    }),
  ).toBe('{"file":"\\u001b[2J\\u009b"}\n');
});

it('keeps the cells of a table on their line', () => {
  expect(tableLines({ header: ['image'], rows: [[`a\nb${COMMAND}`]] })).toEqual(['image', 'a\\nb\\x1b[2J']);
});

it('shows the status of a coordinator that it does not know without its commands', async () => {
  const server = new Server();
  onTestFinished(() => {
    server.forceShutdown();
  });
  const workers = [{ workerId: `w${COMMAND}`, host: `h\n${COMMAND}`, rank: 0, state: COMMAND }];
  server.addService(Coordination.service, {
    GetStatus: (_call: unknown, answer: (error: null, status: object) => void) => {
      answer(null, { run: COMMAND, phase: `training${COMMAND}`, detail: COMMAND, lastFault: `${COMMAND}\n`, workers });
    },
  });
  const port = await new Promise<number>((resolve) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (_error, bound) => {
      resolve(bound);
    });
  });
  const address = `127.0.0.1:${port}`;
  for (const flags of [[], ['--json']]) {
    const { code, stdout, stderr } = await runInProcess(['status', '--coordinator', address, ...flags], {});
    expect(code, stderr).toBe(0);
    expect(stdout).toContain('w\\');

    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  }
});
