/** The other end of a peer process: a script that answers every line of standard input. */
import { createInterface } from 'node:readline';

/** Answers questions until standard input ends, which it does with whoever asks. */
export async function servePeer<Question>(answer: (question: Question) => Promise<object> | object): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await answer(JSON.parse(line) as Question)));
  }
}
