// Adds default flags to what the user typed, without repeating a flag the user gave.

/** `withDefaultFlags(['--workers', '4'], { dataset: 'mnist', workers: '2' })` is `--dataset mnist --workers 4`. */
export function withDefaultFlags(given, defaults) {
  // npm eats its own `--`; someone who calls the script directly may type one more.
  const flags = given[0] === '--' ? given.slice(1) : given;
  const added = Object.entries(defaults).flatMap(([name, value]) => {
    const isGiven = flags.some((flag) => flag === `--${name}` || flag.startsWith(`--${name}=`));
    return isGiven ? [] : [`--${name}`, value];
  });
  return [...added, ...flags];
}
