/**
 * `facet config`: the configuration that the same flags, environment and file would give a run, with the layer that decided
 * each key; or the JSON Schema of all keys. Nothing is started.
 */
import { Document, isMap, isScalar, visit } from 'yaml';
import { Option, type Command } from 'commander';
import { z } from 'zod';
import { configSchema, maskSecrets, type RunConfig } from '@facet/shared';
import { addConfigOptions, configLayer, type ConfigOptions } from '../config/config-options.js';
import { loadConfig, type LoadedConfig } from '../config/load-config.js';
import { printJson, printLine, type CliContext, type CommandAction } from '../context.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { runsFolder } from '../runs/run-folders.js';

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
    .description('print the configuration that a run would get, as YAML, with where each value comes from');
  addConfigOptions(command, 'up')
    .addOption(new Option('--schema', 'print the JSON Schema of a configuration file instead'))
    .option('--json', 'print one JSON object as the last line of stdout')
    .addHelpText('after', '\nExample:\n  facet config --preset mnist-fast --set batch.micro=64 > facet.yaml')
    .action((options: ConfigCommandOptions) => run(() => showConfig(options, context)));
}

async function showConfig(options: ConfigCommandOptions, { env, stdout, stderr }: CliContext): Promise<ExitCode> {
  if (options.schema) {
    printJson(stdout, fileSchema());
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
  else for (const line of yamlLines(shown, loaded)) printLine(stdout, line);
  return EXIT.ok;
}

/** Without passwords, and without a name that nobody set: a file with that name could be used for one run only. */
function shownConfig({ config, sourceOf }: LoadedConfig): Partial<RunConfig> {
  const { run, ...others } = maskSecrets(config);
  return sourceOf('run') === 'default' ? others : { ...others, run };
}

/** The configuration as YAML. A value that was set beside preset and defaults has a comment that says where. */
function yamlLines(config: Partial<RunConfig>, { sourceOf }: LoadedConfig): string[] {
  const document = new Document(config);
  visit(document, {
    Pair(_, pair, path) {
      const keys = [...path.filter((node) => 'key' in node), pair].map(({ key }) => (isScalar(key) ? key.value : ''));
      if (isMap(pair.value)) return;
      const source = sourceOf(keys.join('.'));
      if (source === 'default' || source === 'preset' || !isScalar(pair.value)) return;
      pair.value.comment = ` from the ${source}`;
    },
  });
  return document.toString({ lineWidth: 0 }).trimEnd().split('\n');
}

/** In a file every key may be left out, because presets and defaults give it. */
function fileSchema(): JsonSchema {
  const schema = z.toJSONSchema(configSchema, { io: 'input', target: 'draft-2020-12', unrepresentable: 'any' });
  return withoutRequired(schema as JsonSchema);
}

interface JsonSchema extends Record<string, unknown> {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
}

/** Mappings merge with what lies below, so no key of them is required. A list replaces it: its items stay as they are. */
function withoutRequired(schema: JsonSchema): JsonSchema {
  const { required: _required, properties, ...rest } = schema;
  if (properties === undefined) return rest;
  const optional = Object.entries(properties).map(([key, of]) => [key, withoutRequired(of)] as const);
  return { ...rest, properties: Object.fromEntries(optional) };
}
