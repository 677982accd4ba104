/** Finds ranks of members without going through all of them at every message. */
export class Ranks {
  #members: readonly string[] = [];
  #byWorker: ReadonlyMap<string, number> = new Map();

  /** The place of a worker among the members of a generation; undefined if it is none of them. */
  of(members: readonly string[], workerId: string): number | undefined {
    if (this.#members !== members) {
      this.#members = members;
      this.#byWorker = new Map(members.map((member, rank) => [member, rank]));
    }
    return this.#byWorker.get(workerId);
  }
}
