// Lets a trained model write on: node examples/gpt/sample.mjs RUN "The " 200
import { loadModel } from 'facet-train';

const [run, prompt = 'The ', characters = '200'] = process.argv.slice(2);
const TEMPERATURE = 0.8;

// One text at a time, so one sample is computed at once.
const model = await loadModel(run, { batch: 1 });
const [length] = model.fields.tokens.shape;
const indexOf = (character) => {
  const index = model.classes.indexOf(character);
  if (index < 0) throw new Error(`the model was trained on a text without ${JSON.stringify(character)}`);
  return index;
};

/** The index of a character, drawn from the probabilities that belong to logits. */
function draw(logits) {
  const largest = Math.max(...logits);
  const shares = [...logits].map((logit) => Math.exp((logit - largest) / TEMPERATURE));
  let left = Math.random() * shares.reduce((sum, share) => sum + share, 0);
  return Math.max(
    0,
    shares.findIndex((share) => (left -= share) < 0),
  );
}

const written = Array.from(prompt, indexOf);
if (written.length === 0) throw new Error('the prompt is empty, expected at least one character');
for (let count = 0; count < Number(characters); count++) {
  const seen = written.slice(-length);
  // No place sees a later one, so it does not matter what stands there.
  const tokens = [...seen, ...Array(length - seen.length).fill(0)];
  const { values } = await model.predict({ tokens });
  const place = (seen.length - 1) * model.classes.length;
  written.push(draw(values.subarray(place, place + model.classes.length)));
}
console.log(written.map((index) => model.classes[index]).join(''));
await model.close();
