/**
 * The completion scripts of bash, zsh and fish. All work alike: they look which command the words before the cursor name, and
 * offer its options, the commands below it, and what stands in the place of a value. Names of runs are read from the runs
 * folder by the shell itself, so that no key press waits for Node.
 */
import type { CompletedCommand, CompletedValue } from './completion-model.js';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

const WRITERS: Readonly<Record<Shell, (commands: readonly CompletedCommand[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

/** The script that a shell reads once; it ends with a newline. */
export function completionScript(shell: Shell, commands: readonly CompletedCommand[]): string {
  return WRITERS[shell](commands);
}

/** POSIX shells alike: the runs of the runs folder, one a line. */
const RUNS_FUNCTION = `_facet_runs() {
  local ledger run
  for ledger in "\${FACET_RUNS:-runs}"/*/ledger.jsonl; do
    [ -e "$ledger" ] || continue
    run="\${ledger%/ledger.jsonl}"
    printf '%s\\n' "\${run##*/}"
  done
}`;

function bashScript(commands: readonly CompletedCommand[]): string {
  return `# Completion of facet for bash. In ~/.bashrc: source <(facet completion bash)
${RUNS_FUNCTION}

_facet() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD - 1]}" command='' value='' words='' i
  # A value may be called as a command is.
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$command \${COMP_WORDS[i - 1]}" in
${valueCases(commands, () => 'continue')}
    esac
    case "$command \${COMP_WORDS[i]}" in
${commands.flatMap(({ name, below }) => below.map(({ word }) => `      ${quoted(`${name} ${word}`)}) command=${quoted(`${name} ${word}`.trim())} ;;`)).join('\n')}
    esac
  done
  case "$command $previous" in
${valueCases(commands, bashValue)}
    *)
      case "$command" in
${commands.map((command) => `        ${quoted(command.name)}) ${bashCommand(command)} ;;`).join('\n')}
      esac
      ;;
  esac
  # An option is asked for by its first letter.
  if [[ $current == -* ]]; then value=''; fi
  case "$value" in
    *runs*) words+=" $(_facet_runs)" ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  case "$value" in
    *files*)
      local files
      mapfile -t files < <(compgen -f -- "$current")
      COMPREPLY+=("\${files[@]}")
      compopt -o filenames 2>/dev/null
      ;;
    *keys*) compopt -o nospace 2>/dev/null ;;
  esac
}
complete -F _facet facet
`;
}

/** A case for each option that takes a value, one for all of a command that take the same. */
function valueCases(commands: readonly CompletedCommand[], action: (value: CompletedValue) => string): string {
  return commands
    .flatMap(({ name, options }) => {
      const byAction = new Map<string, string[]>();
      for (const { flags, value } of options) {
        if (value === undefined) continue;
        const then = action(value);
        byAction.set(then, [...(byAction.get(then) ?? []), ...flags.map((flag) => quoted(`${name} ${flag}`))]);
      }
      return [...byAction].map(([then, patterns]) => `      ${patterns.join(' | ')}) ${then} ;;`);
    })
    .join('\n');
}

function bashValue(value: CompletedValue): string {
  switch (value.kind) {
    case 'words':
      return `words=${quoted(value.words.join(' '))}${value.words.some((word) => word.endsWith('=')) ? ' value=keys' : ''}`;
    case 'free':
      return 'return';
    default:
      return `value=${value.kind}`;
  }
}

function bashCommand({ options, below, argument }: CompletedCommand): string {
  const words = [...below.map(({ word }) => word), ...options.flatMap(({ flags }) => flags)];
  const own = argument?.kind === 'words' ? argument.words : [];
  const value =
    argument === undefined || argument.kind === 'words' || argument.kind === 'free' ? '' : ` value=${argument.kind}`;
  return `words=${quoted([...own, ...words].join(' '))}${value}`;
}

function zshScript(commands: readonly CompletedCommand[]): string {
  const described = (entries: readonly (readonly [string, string])[]): string =>
    entries.map(([word, about]) => quoted(`${word.replaceAll(':', '\\:')}:${about}`)).join(' ');
  const value = (of: CompletedValue): string => {
    switch (of.kind) {
      case 'words':
        return `compadd ${of.words.some((word) => word.endsWith('=')) ? "-S '' " : ''}-- ${of.words.join(' ')}; return`;
      case 'runs':
        return 'compadd -- $(_facet_runs); return';
      case 'files':
        return '_files; return';
      case 'runs-or-files':
        return 'compadd -- $(_facet_runs); _files; return';
      case 'free':
        return 'return';
      default:
        return of satisfies never;
    }
  };
  const offered = ({ options, below, argument }: CompletedCommand): string => {
    const choices = described([
      ...below.map(({ word, about }) => [word, about] as const),
      ...options.flatMap(({ flags, about }) => flags.map((flag) => [flag, about] as const)),
    ]);
    const own =
      argument === undefined || argument.kind === 'free'
        ? ''
        : ` [[ $current == -* ]] || { ${value(argument).replace(/; return$/, '')}; }`;
    return `choices=(${choices});${own}`;
  };
  return `#compdef facet
# Completion of facet for zsh. In ~/.zshrc, after compinit: source <(facet completion zsh)
${RUNS_FUNCTION}

_facet() {
  emulate -L zsh
  setopt null_glob
  local current="$words[CURRENT]" previous="$words[CURRENT-1]" command='' i
  local -a choices
  for ((i = 2; i < CURRENT; i++)); do
    case "$command $words[i-1]" in
${valueCases(commands, () => 'continue')}
    esac
    case "$command $words[i]" in
${commands.flatMap(({ name, below }) => below.map(({ word }) => `      ${quoted(`${name} ${word}`)}) command=${quoted(`${name} ${word}`.trim())} ;;`)).join('\n')}
    esac
  done
  case "$command $previous" in
${valueCases(commands, value)}
  esac
  case "$command" in
${commands.map((command) => `    ${quoted(command.name)}) ${offered(command)} ;;`).join('\n')}
  esac
  _describe -o 'facet' choices
}
compdef _facet facet
`;
}

function fishScript(commands: readonly CompletedCommand[]): string {
  const value = (of: CompletedValue): string => {
    switch (of.kind) {
      case 'words':
        return ` -x -a ${quoted(of.words.join(' '))}`;
      case 'runs':
        return " -x -a '(__facet_runs)'";
      case 'files':
        return ' -r -F';
      case 'runs-or-files':
        return " -r -F -a '(__facet_runs)'";
      case 'free':
        return ' -x';
      default:
        return of satisfies never;
    }
  };
  const lines = commands.flatMap(({ name, options, below, argument }) => {
    const at = `complete -c facet -n ${quoted(`__facet_at "${name}"`)}`;
    return [
      ...below.map(({ word, about }) => `${at} -a ${quoted(word)} -d ${quoted(about)}`),
      ...options.map(({ flags, about, value: of }) => {
        const forms = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
        return `${at} ${forms.join(' ')} -d ${quoted(about)}${of === undefined ? '' : value(of)}`;
      }),
      ...(argument === undefined || argument.kind === 'free'
        ? []
        : [`${at}${value(argument).replace(' -r', '').replace(' -x', '')}`]),
    ];
  });
  const steps = commands.flatMap(({ name, below }) =>
    below.map(
      ({ word }) =>
        `            case ${quoted(`${name} ${word}`)}\n                set command ${quoted(`${name} ${word}`.trim())}`,
    ),
  );
  return `# Completion of facet for fish: facet completion fish > ~/.config/fish/completions/facet.fish
function __facet_runs
    set -l folder runs
    if set -q FACET_RUNS; and test -n "$FACET_RUNS"
        set folder $FACET_RUNS
    end
    for ledger in $folder/*/ledger.jsonl
        path basename (path dirname $ledger)
    end
end

function __facet_at
    set -l command ''
    for word in (commandline -opc)[2..-1]
        switch "$command $word"
${steps.join('\n')}
        end
    end
    test "$command" = "$argv[1]"
end

complete -c facet -f
${lines.join('\n')}
`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", '')}'`;
}
