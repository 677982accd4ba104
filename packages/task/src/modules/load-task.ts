/**
 * Loads a user's task module, and says what its source is: coordinator and workers must train by the same one.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { init, parse } from 'es-module-lexer';
import { TrainingError } from '@facet/shared';
import { isTaskDefinition, type TaskDefinition } from '../define/define-task.js';

export interface LoadedTask {
  readonly definition: TaskDefinition;
  /** Absolute path of the module. */
  readonly file: string;
  /** SHA-256 (hex) over the module and what it imports from files beside it. */
  readonly sha256: string;
}

/**
 * Imports a task module.
 *
 * @throws TrainingError TASK_INVALID when there is no such file, it does not parse, throws, or its default export is no task.
 */
export async function loadTask(file: string): Promise<LoadedTask> {
  const absolute = path.resolve(file);
  const sha256 = await hashSource(absolute);
  const imported = await importModule(absolute);
  const definition = imported['default'];
  if (isTaskDefinition(definition)) return { definition, file: absolute, sha256 };
  const names = Object.keys(imported).join(', ');
  const found =
    definition === undefined
      ? `it has no default export${names === '' ? '' : ` (it exports ${names})`}`
      : `its default export is a ${typeof definition}`;
  throw new TrainingError('TASK_INVALID', `${file}: ${found}, expected \`export default defineTask({ ... })\``);
}

async function importModule(file: string): Promise<Record<string, unknown>> {
  try {
    return (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  } catch (caught) {
    if (caught instanceof TrainingError) throw caught;
    const { message = String(caught), name = 'Error' } = caught as Partial<Error>;
    const where = name === 'SyntaxError' ? await placeOfSyntaxError(file) : file;
    throw new TrainingError('TASK_INVALID', `${where}: the task cannot be loaded: ${name}: ${message}`, {
      cause: caught,
    });
  }
}

/** Longest wait for Node's look at one file. */
const SYNTAX_CHECK_MS = 10_000;

/** FILE:LINE where a module does not parse. A caught error does not say it; Node does when it only checks the syntax. */
async function placeOfSyntaxError(file: string): Promise<string> {
  const stderr = await new Promise<string>((resolve) => {
    execFile(process.execPath, ['--check', file], { timeout: SYNTAX_CHECK_MS }, (_, _stdout, told) => {
      resolve(told);
    });
  });
  const line = /^\S.*:(\d+)$/m.exec(stderr)?.[1];
  return line === undefined ? file : `${file}:${line}`;
}

/** One module of the source, as it is hashed. */
interface SourceFile {
  /** Relative to the folder of the task, with forward slashes. */
  readonly name: string;
  readonly sha256: string;
}

/**
 * SHA-256 of a task's source: of the module and of every file that it imports by a relative path, and those in turn. Packages
 * are not in it.
 *
 * @throws TrainingError TASK_INVALID when one of the files cannot be read.
 */
export async function hashSource(entry: string): Promise<string> {
  await init();
  const folder = path.dirname(entry);
  const files = new Map<string, SourceFile>();
  const visit = async (file: string, importer: string | undefined): Promise<void> => {
    if (files.has(file)) return;
    const text = await readSource(file, importer);
    const name = path.relative(folder, file).replaceAll(path.sep, '/');
    files.set(file, { name, sha256: createHash('sha256').update(text).digest('hex') });
    for (const specifier of relativeImports(text)) await visit(path.resolve(path.dirname(file), specifier), file);
  };
  await visit(entry, undefined);
  const lines = [...files.values()]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((one) => `${one.sha256}  ${one.name}\n`);
  // The name of the module itself may differ from machine to machine; everything else is relative to it.
  const own = files.get(entry)!;
  const content = lines.join('').replace(`  ${own.name}\n`, '  task\n');
  return createHash('sha256').update(content).digest('hex');
}

function relativeImports(text: string): string[] {
  if (!/\bimport\b|\bexport\b/.test(text)) return [];
  try {
    return parse(text)[0].flatMap(({ specifier }) =>
      typeof specifier === 'string' && /^\.{1,2}\//.test(specifier) ? [specifier] : [],
    );
  } catch {
    // Importing it says what is wrong, and where.
    return [];
  }
}

async function readSource(file: string, importer: string | undefined): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (caught) {
    const { code, message } = caught as NodeJS.ErrnoException;
    const fault = code === 'ENOENT' ? 'there is no such file' : message;
    const from = importer === undefined ? 'give --task the path of a module' : `it is imported by ${importer}`;
    throw new TrainingError('TASK_INVALID', `${file}: ${fault}; ${from}`, { cause: caught });
  }
}
