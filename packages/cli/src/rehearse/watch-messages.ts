/** A stream to the coordinator whose messages are measured as gRPC serialises them, without what HTTP/2 adds. */
import { Coordination, type JoinRequest, type JoinResponse__Output } from '@facet/proto';
import type { CoordinatorStream } from '@facet/worker/rehearsal';

const { Join } = Coordination.service;

/** @param bytes gets the length of the last message of each kind */
export function watchMessages(stream: CoordinatorStream, bytes: Record<string, number>): CoordinatorStream {
  const noteSent = (message: JoinRequest): void => {
    const [kind] = Object.keys(message);
    if (kind !== undefined) bytes[kind] = Join.requestSerialize(message).length;
  };
  const noteHeard = (message: JoinResponse__Output): void => {
    const { message: kind } = message;
    if (kind !== undefined) bytes[kind] = Join.responseSerialize(message).length;
  };
  return {
    send(message) {
      noteSent(message);
      stream.send(message);
    },
    messages: (onArrival) =>
      stream.messages((message) => {
        noteHeard(message);
        onArrival(message);
      }),
    [Symbol.asyncDispose]: () => stream[Symbol.asyncDispose](),
  };
}
