// Generates the TypeScript types of proto/ with @grpc/proto-loader's own generator. The options here and the loader's
// options in packages/proto must say the same: 64-bit integers are numbers, enum values are strings, bytes are Buffers,
// absent fields have their default, a oneof has a field that names its member.

import { mkdtempSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ROOT } from './repository.mjs';
import { runQuietly } from './run-command.mjs';
import { ScriptError } from './say.mjs';

/** Where the generated types live, relative to the root. */
const GENERATED_FOLDER = 'packages/proto/src/gen';

const GENERATOR = 'node_modules/@grpc/proto-loader/build/bin/proto-loader-gen-types.js';
const OPTIONS = [
  '--longs=Number',
  '--enums=String',
  '--defaults',
  '--oneofs',
  '--includeComments',
  '--grpcLib=@grpc/grpc-js',
  '--importFileExtension=.js',
  '--targetFileExtension=.ts',
  '--includeDirs=proto',
];
const HEADER = '// Generated from proto/ by `npm run generate`. Do not edit.\n';

/** Replaces the contents of the generated folder. */
export async function generateProtoTypes() {
  const target = path.join(ROOT, GENERATED_FOLDER);
  // Beside the target, so that the rename stays on one file system.
  const scratch = path.join(path.dirname(target), '.gen.part');
  rmSync(scratch, { recursive: true, force: true });
  try {
    await generateInto(scratch);
    rmSync(target, { recursive: true, force: true });
    renameSync(scratch, target);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Throws when the generated folder is not what the proto files give; works on a dirty tree, changes nothing. */
export async function checkProtoTypes() {
  const scratch = mkdtempSync(path.join(tmpdir(), 'facet-proto-types-'));
  try {
    await generateInto(scratch);
    const expected = readTree(scratch);
    const actual = readTree(path.join(ROOT, GENERATED_FOLDER));
    const names = [...new Set([...expected.keys(), ...actual.keys()])].sort();
    const stale = names.filter((name) => actual.get(name) !== expected.get(name));
    if (stale.length === 0) return;
    const list = stale.map(
      (name) => `  ${GENERATED_FOLDER}/${name}: ${describeDifference(actual.has(name), expected.has(name))}`,
    );
    throw new ScriptError(`The generated types do not fit proto/:\n${list.join('\n')}\nRun \`npm run generate\`.`);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function generateInto(folder) {
  const files = readdirSync(path.join(ROOT, 'proto'), { recursive: true })
    .map((name) => name.split(path.sep).join('/'))
    .filter((name) => name.endsWith('.proto'))
    .sort();
  if (files.length === 0) throw new ScriptError('There is no .proto file under proto/, expected at least one.');
  mkdirSync(folder, { recursive: true });
  await runQuietly(
    'generating types from proto/',
    process.execPath,
    [GENERATOR, ...OPTIONS, `--outDir=${folder}`, ...files],
    {
      advice: 'Correct the proto file named above.',
    },
  );
  for (const [name, text] of readTree(folder)) {
    const tidy = text.replace(/[ \t]+$/gm, '').trimEnd();
    writeFileSync(path.join(folder, name), `${HEADER}${tidy}\n`);
  }
}

/** All files below a folder by relative name; empty when the folder is missing. */
function readTree(folder) {
  const files = new Map();
  let entries = [];
  try {
    entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
  for (const entry of entries.filter((found) => found.isFile())) {
    const file = path.join(entry.parentPath ?? entry.path, entry.name);
    files.set(path.relative(folder, file), readFileSync(file, 'utf8'));
  }
  return files;
}

function describeDifference(isThere, isWanted) {
  if (!isThere) return 'missing';
  return isWanted ? 'out of date' : 'no longer generated';
}
