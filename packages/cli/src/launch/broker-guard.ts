/**
 * The small shell program that a broker runs under, so that it never outlives us: when the pipe on its stdin closes, for
 * whatever reason, kill -9 included, the broker is told to stop, and killed when it does not. At the end the launch's
 * folder is removed. Only POSIX sh; `sleep 0.1` is known to GNU, BSD and busybox.
 */

/** Arguments after the script: the folder to remove at the end, then the command and its arguments. */
const GUARD_SCRIPT = `
folder=$1
shift
exec 3<&0 </dev/null
"$@" 3<&- &
broker=$!
trap 'kill -TERM "$broker" 2>/dev/null' TERM INT HUP
(
  while read -r ignored <&3; do :; done
  kill -TERM "$broker" 2>/dev/null
  tries=0
  while kill -0 "$broker" 2>/dev/null && [ "$tries" -lt 30 ]; do
    sleep 0.1
    tries=$((tries + 1))
  done
  [ "$tries" -lt 30 ] || kill -KILL "$broker" 2>/dev/null
) &
watcher=$!
exec 3<&-
while :; do
  wait "$broker"
  status=$?
  kill -0 "$broker" 2>/dev/null || break
done
kill -TERM "$watcher" 2>/dev/null
wait "$watcher" 2>/dev/null
rm -rf -- "$folder"
exit "$status"
`;

export interface GuardedCommand {
  readonly command: string;
  readonly args: readonly string[];
}

/** The command that runs another one under the guard; `folder` is removed when it has ended. */
export function guarded(folder: string, { command, args }: GuardedCommand): GuardedCommand {
  return { command: 'sh', args: ['-c', GUARD_SCRIPT, 'facet-broker-guard', folder, command, ...args] };
}
