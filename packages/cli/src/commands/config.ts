/**
 * `facet config`: the configuration that the same flags, environment and file would give a run, with what every key
 * means, its default, and the layer that decided it; or the JSON Schema of all keys. Nothing is started.
 */
import { Document, isMap, isPair, isScalar, isSeq, visit } from 'yaml';
import { Option, type Command } from 'commander';
import { configFileSchema, descriptionOf, maskSecrets, valueAt, type RunConfig } from '@facet/shared';
import { NAMED_TASKS } from '@facet/lab/data';
import { addConfigOptions, configLayer, type ConfigOptions } from '../config/config-options.js';
import { loadConfig, type LoadedConfig } from '../config/load-config.js';
import { printJson, printLine, type CliContext, type CommandAction } from '../context.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { runsFolder } from '../runs/run-folders.js';

const COMMENT_COLUMNS = 100;

interface ConfigCommandOptions extends ConfigOptions {
  readonly json?: boolean;
  readonly schema?: boolean;
}

export function addConfigCommand(
  program: Command,
  context: CliContext,
  run: (action: CommandAction) => Promise<void>,
): void {
  const command = program
    .command('config')
    .description(
      'print the configuration that a run would get, as YAML, with what each key means and where its value comes from',
    );
  addConfigOptions(command, 'up')
    .addOption(new Option('--schema', 'print the JSON Schema of a configuration file instead'))
    .option('--json', 'print one JSON object as the last line of stdout')
    .addHelpText('after', '\nExample:\n  facet config --preset mnist-fast --set batch.micro=64 > facet.yaml')
    .action((options: ConfigCommandOptions) => run(() => showConfig(options, context)));
}

async function showConfig(options: ConfigCommandOptions, { env, stdout, stderr }: CliContext): Promise<ExitCode> {
  if (options.schema) {
    printJson(stdout, configFileSchema(NAMED_TASKS));
    return EXIT.ok;
  }
  const loaded = await loadConfig({
    env,
    runs: runsFolder(env),
    flags: configLayer(options, 'up'),
    configFile: options.config,
    isAdversarial: options.adversarial,
  });
  for (const note of loaded.notes) printLine(stderr, `note: ${note}`);
  const shown = shownConfig(loaded);
  if (options.json) printJson(stdout, shown);
  else {
    const defaultOf = await defaultsOf(loaded, runsFolder(env));
    for (const line of yamlLines(shown, loaded, defaultOf)) printLine(stdout, line);
  }
  return EXIT.ok;
}

/** Without passwords, and without a name that nobody set: a file with that name could be used for one run only. */
function shownConfig({ config, sourceOf }: LoadedConfig): Partial<RunConfig> {
  const { run, ...others } = maskSecrets(config);
  return sourceOf('run') === 'default' ? others : { ...others, run };
}

/** What a key would be if nobody had said anything; undefined where that is not known. */
type DefaultOf = (path: readonly string[]) => unknown;

/** The values that dataset, preset or task give by themselves. */
async function defaultsOf({ config }: LoadedConfig, runs: string): Promise<DefaultOf> {
  const { dataset, preset, task } = config;
  const flags = task.module === undefined ? { dataset, preset } : { dataset, task: { module: task.module } };
  // A task that cannot be opened by itself has no defaults to show.
  const plain = await loadConfig({ env: {}, runs, flags }).catch(() => undefined);
  return (path) => valueAt(plain?.config, path);
}

/**
 * The configuration as YAML. Above every key stands what it means, and its default unless that is its value. A value that was set
 * beside preset and defaults has a comment that says where.
 */
function yamlLines(config: Partial<RunConfig>, { sourceOf }: LoadedConfig, defaultOf: DefaultOf): string[] {
  const document = new Document(config, { aliasDuplicateObjects: false });
  visit(document, {
    Pair(_, pair, path) {
      const keys = [...path.filter((node) => isPair(node)), pair].map(({ key }) =>
        isScalar(key) ? String(key.value) : '',
      );
      // The items of a list are values, not keys.
      if (path.some((node) => isSeq(node))) return;
      const source = sourceOf(keys.join('.'));
      const isSection = isMap(pair.value);
      if (isScalar(pair.key))
        pair.key.commentBefore = commentLines(keys, isSection ? undefined : defaultOf(keys), config);
      if (isSection || source === 'default' || source === 'preset' || !isScalar(pair.value)) return;
      pair.value.comment = ` from the ${source}`;
    },
  });
  return document.toString({ lineWidth: 0 }).trimEnd().split('\n');
}

/** Above a key, wrapped to what a terminal shows. */
function commentLines(keys: readonly string[], byDefault: unknown, config: Partial<RunConfig>): string {
  const about = descriptionOf(keys.join('.'), NAMED_TASKS) ?? 'An option of the task.';
  const isOwn = byDefault === undefined || JSON.stringify(byDefault) === JSON.stringify(valueAt(config, keys));
  const text = isOwn ? about : `${about} Default: ${JSON.stringify(byDefault)}.`;
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length >= COMMENT_COLUMNS) lines.push(` ${word}`);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.join('\n');
}
