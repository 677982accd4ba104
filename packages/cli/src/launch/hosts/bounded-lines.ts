/** Lines of a stream whose writer is not trusted: one that does not end takes no memory without bound. */
import { StringDecoder } from 'node:string_decoder';

/** More than any message, or line of a log, has. */
const MOST_CHARACTERS = 256 * 1024;

/** Calls back for every line; one that is too long is left out. Resolves when the stream has ended. */
export function onEachLine(stream: NodeJS.ReadableStream, take: (line: string) => void): Promise<void> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let isSkipping = false;
  stream.on('data', (chunk: Buffer) => {
    const [first = '', ...lines] = decoder.write(chunk).split('\n');
    rest = isSkipping ? '' : rest + first;
    for (const line of lines) {
      if (!isSkipping) take(withoutReturn(rest));
      isSkipping = false;
      rest = line;
    }
    if (rest.length > MOST_CHARACTERS) {
      isSkipping = true;
      rest = '';
    }
  });
  return new Promise((resolve) => {
    const end = (): void => {
      if (rest !== '' && !isSkipping) take(withoutReturn(rest));
      rest = '';
      resolve();
    };
    stream.once('end', end).once('close', end).once('error', end);
  });
}

/** What a terminal puts before the end of a line. */
function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}
