/** What an export of a user's task says of itself: what goes in, what comes out, and the shortest program that uses it. */
import type { SampleFacts, SampleField } from '@facet/shared';
import type { Task } from '@facet/task';
import type { Program } from '@facet/compiler';
import type { ExportFormat, ModelOrigin } from './export-format.js';

/** An input of an exported program. */
interface InputDescription {
  readonly name: string;
  readonly type: 'float32';
  /** [batch, ...] */
  readonly shape: readonly number[];
  /** What the sample's own values are: `uint8`, `int32` or `float32`. */
  readonly field: SampleField['type'];
  /** What they are divided by before they go in: 255 for bytes of images, else 1. */
  readonly dividedBy: number;
  /** The columns of a table, in their order. */
  readonly columns?: readonly string[];
}

/** The content of config.json. */
export interface TaskDescription extends Omit<ModelOrigin, 'classes'> {
  readonly task: string;
  readonly inputs: readonly InputDescription[];
  readonly outputs: readonly { readonly name: string; readonly shape: readonly number[] }[];
  /** In the order of the outputs; empty where samples have no classes. */
  readonly classes: readonly string[];
}

interface Described {
  readonly task: Task;
  readonly samples: SampleFacts;
  readonly origin: ModelOrigin;
  readonly program: Program;
}

/** Describes a program that takes the fields of samples. */
export function describeTask({ task, samples, origin, program }: Described): TaskDescription {
  const { run, step, weightsSha256, classes } = origin;
  const { fields, table } = samples;
  const inputs = program.inputs.map(({ name, id }): InputDescription => {
    const field = fields[name]!;
    const dividedBy = field.type === 'uint8' && field.shape.length > 0 ? 255 : 1;
    const columns = name === 'features' && table !== undefined ? { columns: table.columns } : {};
    return {
      ...{ name, type: 'float32', shape: program.values[id]!.shape, field: field.type, dividedBy },
      ...columns,
    };
  });
  const outputs = program.outputs.map(({ name, id }) => ({ name, shape: program.values[id]!.shape }));
  return { task: task.name, run, step, weightsSha256, inputs, outputs, classes };
}

/** The text of README.md. */
export function taskReadme(description: TaskDescription, format: ExportFormat): string {
  const { task, run, step, weightsSha256, classes, inputs, outputs } = description;
  const labels = classes.length === 0 ? '' : `\nThe classes, in the order of the outputs, are in \`labels.json\`.\n`;
  return `# The task ${task}, trained with Facet

Run \`${run}\`, step ${step}, weights SHA-256
\`${weightsSha256}\`.
${labels}
Inputs:

${inputs.map(inputLine).join('\n')}

Outputs:

${outputs.map(({ name, shape }) => `- \`${name}\`: float32 [${shape.join(', ')}]`).join('\n')}

The first axis is the batch. \`config.json\` says the same for programs.

${USAGE[format](description)}`;
}

function inputLine({ name, shape, dividedBy, columns }: InputDescription): string {
  const scale = dividedBy === 1 ? '' : `, bytes divided by ${dividedBy}`;
  const order = columns === undefined ? '' : `, the columns ${columns.join(', ')}`;
  return `- \`${name}\`: float32 [${shape.join(', ')}]${scale}${order}`;
}

const USAGE: Record<ExportFormat, (description: TaskDescription) => string> = {
  onnx: ({ inputs, outputs }) => `Python (\`pip install onnxruntime numpy\`):

\`\`\`python
import numpy, onnxruntime
session = onnxruntime.InferenceSession("model.onnx")
answers = session.run(["${outputs.at(-1)!.name}"], {
${inputs.map(({ name, shape }) => `    "${name}": numpy.zeros([${shape.join(', ')}], dtype=numpy.float32),`).join('\n')}
})
print(answers[0])
\`\`\`
`,
  tfjs: ({ inputs, outputs }) => `\`\`\`js
import * as tf from '@tensorflow/tfjs';
const model = await tf.loadGraphModel('model.json');
const answer = model.execute(
  { ${inputs.map(({ name, shape }) => `${name}: tf.zeros([${shape.join(', ')}])`).join(', ')} },
  '${outputs.at(-1)!.name}',
);
answer.print();
\`\`\`
`,
  safetensors:
    () => `\`model.safetensors\` holds the parameters by name, and \`run.json\` how they were trained and the hashes of all files.
\`npx facet predict FILE --run FOLDER --task task.mjs\` takes this folder together with the task's module.
`,
};
