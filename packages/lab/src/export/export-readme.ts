/**
 * The README of an export: what lies in the folder, what goes in and comes out, and the shortest program that uses it.
 */
import type { ImageShape } from '@facet/shared';
import type { TrainedModel } from '../models/classifier.js';
import type { ExportFormat, ModelOrigin } from './export-format.js';

interface ReadmeOptions {
  readonly model: TrainedModel;
  readonly origin: ModelOrigin;
  readonly format: ExportFormat;
  readonly batch: number;
}

/** The text of README.md. */
export function exportReadme({ model, origin, format, batch }: ReadmeOptions): string {
  const { run, step, weightsSha256, classes } = origin;
  return `# A Facet model

Run \`${run}\`, step ${step}, weights SHA-256
\`${weightsSha256}\`.

Classes, in the order of the outputs (\`labels.json\`):
${classes.join(', ')}.

${USAGE[format](model.image, batch)}`;
}

const USAGE: Record<ExportFormat, (image: ImageShape, batch: number) => string> = {
  onnx: (image, batch) => `${interfaceText(image, batch)}

Python (\`pip install onnxruntime numpy\`):

\`\`\`python
import json, numpy, onnxruntime
session = onnxruntime.InferenceSession("model.onnx")
images = numpy.zeros(${shapeText(image, batch)}, dtype=numpy.float32)
logits, probabilities = session.run(["logits", "probabilities"], {"images": images})
print(json.load(open("labels.json"))[int(probabilities[0].argmax())])
\`\`\`

Node (\`npm install onnxruntime-node\`); in a browser the same with \`onnxruntime-web\`:

\`\`\`js
import { InferenceSession, Tensor } from 'onnxruntime-node';
const session = await InferenceSession.create('model.onnx');
const images = new Tensor('float32', new Float32Array(${elements(image, batch)}), ${shapeText(image, batch)});
const { probabilities } = await session.run({ images });
console.log(probabilities.data);
\`\`\`
`,
  tfjs: (image, batch) => `${interfaceText(image, batch)}

Browser (serve this folder over HTTP; \`npm install @tensorflow/tfjs\` or its script tag):

\`\`\`js
import * as tf from '@tensorflow/tfjs';
const model = await tf.loadGraphModel('model.json');
const images = tf.zeros(${shapeText(image, batch)});
const [logits, probabilities] = model.execute({ images }, ['logits', 'probabilities']);
probabilities.print();
\`\`\`

Node, without native add-ons: the same, with the files read by hand.

\`\`\`js
import { readFileSync } from 'node:fs';
const { modelTopology, weightsManifest, format, signature } = JSON.parse(readFileSync('model.json', 'utf8'));
const [{ paths, weights: weightSpecs }] = weightsManifest;
const weightData = new Uint8Array(Buffer.concat(paths.map((path) => readFileSync(path)))).buffer;
const model = await tf.loadGraphModel({
  load: async () => ({ modelTopology, format, signature, weightSpecs, weightData }),
});
\`\`\`

Python: export with \`--format onnx\` instead.
`,
  safetensors:
    () => `\`model.safetensors\` holds the parameters by name, \`config.json\` the model they belong to, and \`run.json\` how it was
trained and the hashes of all files. Every command of Facet that takes a checkpoint takes this folder, such as
\`npx facet evaluate\`. Training cannot go on from it.

The forward pass is in packages/multiview/src/model of Facet. For a model that runs by itself export with
\`--format onnx\` or \`--format tfjs\`.

Python (\`pip install safetensors numpy\`):

\`\`\`python
from safetensors.numpy import load_file
for name, values in load_file("model.safetensors").items():
    print(name, values.shape)
\`\`\`

Node and browser: the format is eight bytes of header length, a JSON header with the offsets, and raw float32 values
(https://github.com/huggingface/safetensors).
`,
};

function interfaceText(image: ImageShape, batch: number): string {
  const order = image.channels === 1 ? 'grey' : 'red, green, blue';
  return `- Input \`images\`: float32 ${shapeText(image, batch)} = [images, channels, height, width], ${order}, 0 to 1 (bytes
  divided by 255). The model normalises by itself.
- Outputs \`logits\` and \`probabilities\`: float32 [${batch}, classes].`;
}

function shapeText({ channels, height, width }: ImageShape, batch: number): string {
  return `[${batch}, ${channels}, ${height}, ${width}]`;
}

function elements({ channels, height, width }: ImageShape, batch: number): number {
  return batch * channels * height * width;
}
