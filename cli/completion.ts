/** Completion scripts for shells, made of the declarations of the commands. */
import type { CommandSpec, OptionSpec } from './args.js';
import type { Shell } from './commands/completion.js';
import { COMMANDS } from './commands/index.js';
import { ABOUT, GLOBAL_OPTIONS, optionsOf } from './help.js';

/** What the value of an option or an argument is, by its placeholder. */
type ValueKind = 'file' | 'folder' | 'input' | 'other';
const KINDS: Readonly<Record<string, ValueKind>> = {
  FILE: 'file',
  DIR: 'folder',
  CASE: 'folder',
  'DIR|CASE|FILE': 'file',
  RULES: 'file',
  'IFACE=FILE': 'input',
};

/** What can stand at a place. */
interface Word {
  readonly kind: ValueKind;
  readonly choices?: readonly string[] | undefined;
  readonly choiceTakesFile?: boolean;
}

const kindOf = (placeholder: string): ValueKind => KINDS[placeholder] ?? 'other';

const wordOf = ({ value = '', ...option }: OptionSpec): Word => ({ ...option, kind: kindOf(value) });

/** HELP in a few words. */
const summaryOf = (help: string): string => help.split(/[;:] | \(/)[0];

/** The completion script for SHELL. */
export function completionScript(shell: Shell): string {
  return { bash, zsh, fish }[shell]();
}

/** The interfaces in the file or folder of `--host`; shell functions for bash and zsh. */
const INTERFACES = `_nfreplay_interfaces() {
  local host=
  while [ $# -gt 1 ]; do
    case $1 in --host) host=$2 ;; --host=*) host=\${1#*=} ;; esac
    shift
  done
  [ -d "$host" ] && host=$host/addr.json
  [ -f "$host" ] && grep -o '"ifname": *"[^"]*"' -- "$host" | cut -d '"' -f 4 | grep -vx lo | sort -u
  echo local
}`;

function bash(): string {
  const values = COMMANDS.flatMap((spec) =>
    spec.options.flatMap((option) => (option.value === undefined ? [] : [bashValue(spec, option)])),
  );
  const words = COMMANDS.map((spec) => {
    const options = optionsOf(spec).map(({ name }) => `--${name}`);
    return `    ${spec.name}) options='${options.join(' ')}' ;;`;
  });
  const repeatable = COMMANDS.flatMap((spec) =>
    spec.options.flatMap(({ name, multiple }) => (multiple ? [`${spec.name}:--${name}`] : [])),
  );
  const positionals = COMMANDS.flatMap(({ name, positionals, positionalChoices }) =>
    positionals === undefined
      ? []
      : [`    ${name}) ${bashAction({ kind: kindOf(positionals), choices: positionalChoices })} ;;`],
  );
  const names = COMMANDS.map(({ name }) => name);
  const globals = GLOBAL_OPTIONS.map(({ name }) => `--${name}`);
  return `# bash completion for nfreplay. To use it now:  source <(nfreplay completion bash)
# For good:  nfreplay completion bash > ~/.local/share/bash-completion/completions/nfreplay

${INTERFACES}

# The functions below set COMPREPLY. Where it stays empty, bash completes file names.
_nfreplay_words() {
  compopt +o default 2>/dev/null
  COMPREPLY=($(compgen -W "$1" -- "$current"))
}
_nfreplay_folders() {
  compopt +o default -o dirnames 2>/dev/null
}
_nfreplay_input() {
  case $current in
    *=*) ;;
    *)
      _nfreplay_words "$(_nfreplay_interfaces "\${words[@]}" | sed 's/$/=/')"
      compopt -o nospace 2>/dev/null
      ;;
  esac
}

_nfreplay() {
  # Not COMP_WORDS: bash splits words at = too.
  local line=\${COMP_LINE:0:COMP_POINT} current previous command options= option word
  local -a words
  current=\${line##*[[:blank:]]}
  read -ra words <<<"\${line%"$current"}"
  previous=\${words[\${#words[@]} - 1]}
  command=\${words[1]-}
  COMPREPLY=()
  case $current in
    --*=*)
      previous=\${current%%=*}
      current=\${current#*=}
      ;;
  esac

  if [ \${#words[@]} -le 1 ]; then
    _nfreplay_words '${[...names, ...globals].join(' ')}'
    return
  fi
  case $command:$previous in
${values.join('\n')}
    help:help) _nfreplay_words '${names.join(' ')}'; return ;;
  esac

  case $command in
${words.join('\n')}
  esac
  case $current in
    -*)
      for option in $options; do
        case " $command:$option " in
          ${repeatable.map((name) => `*" ${name} "*`).join(' | ')}) word="$word $option" ;;
          *) case " \${words[*]} " in *" $option "* | *" $option="*) ;; *) word="$word $option" ;; esac ;;
        esac
      done
      _nfreplay_words "$word"
      return
      ;;
  esac
  case $command in
${positionals.join('\n')}
    *) _nfreplay_words '' ;;
  esac
}

complete -o default -F _nfreplay nfreplay
`;
}

function bashValue(spec: CommandSpec, option: OptionSpec): string {
  const { name, short } = option;
  const names = [`${spec.name}:--${name}`, ...(short === undefined ? [] : [`${spec.name}:-${short}`])];
  return `    ${names.join(' | ')}) ${bashAction(wordOf(option))}; return ;;`;
}

function bashAction({ kind, choices, choiceTakesFile }: Word): string {
  const words = `_nfreplay_words '${choices?.join(' ')}'`;
  if (choiceTakesFile) return `case $current in *=*) ;; *) ${words}; compopt -o nospace 2>/dev/null ;; esac`;
  if (choices !== undefined) return words;
  return { file: ':', folder: '_nfreplay_folders', input: '_nfreplay_input', other: "_nfreplay_words ''" }[kind];
}

function zsh(): string {
  const commands = COMMANDS.map(({ name, summary }) => `    ${zshQuote(`${name}:${summary}`)}`);
  const cases = COMMANDS.map((spec) => {
    const { name, positionals, positionalChoices } = spec;
    const lines = optionsOf(spec).map(zshOption);
    if (positionals !== undefined) {
      lines.push(zshQuote(`*:${positionals}:${zshAction({ kind: kindOf(positionals), choices: positionalChoices })}`));
    }
    const words = ['_arguments', ...lines].join(' \\\n            ');
    return `        ${name})\n          ${words}\n          ;;`;
  });
  return `#compdef nfreplay
# zsh completion for nfreplay. To use it now:  source <(nfreplay completion zsh)
# For good, in a folder of $fpath:  nfreplay completion zsh > ~/.zfunc/_nfreplay

${INTERFACES}

_nfreplay_input() {
  if compset -P '*='; then
    _files
  else
    local -a interfaces
    interfaces=(\${(f)"$(_nfreplay_interfaces "\${(@)words}")"})
    compadd -S = -- $interfaces
  fi
}

_nfreplay_choice() {
  if compset -P '*='; then
    _files
  else
    compadd -- "$@"
  fi
}

_nfreplay_commands() {
  local -a commands
  commands=(
${commands.join('\n')}
  )
  _describe command commands
}

_nfreplay() {
  local curcontext=$curcontext state
  local -a line
  _arguments -C \\
${GLOBAL_OPTIONS.map((option) => `    ${zshOption(option)} \\`).join('\n')}
    '1:command:_nfreplay_commands' \\
    '*::argument:->argument' && return
  case $state in
    argument)
      case $line[1] in
${cases.join('\n')}
        help) _nfreplay_commands ;;
      esac
      ;;
  esac
}

if [ "$funcstack[1]" = _nfreplay ]; then
  _nfreplay "$@"
else
  compdef _nfreplay nfreplay
fi
`;
}

function zshOption(option: OptionSpec): string {
  const { name, short, value, multiple, help } = option;
  const about = summaryOf(help).replace(/[[\]\\]/g, '\\$&');
  const action = value === undefined ? '' : `:${value.replace(':', '\\:')}:${zshAction(wordOf(option))}`;
  const long = `--${name}${value === undefined ? '' : '='}`;
  const rest = `[${about}]${action}`;
  if (short === undefined) return zshQuote(`${multiple ? '*' : ''}${long}${rest}`);
  return `'(-${short} --${name})'{-${short},${long}}${zshQuote(rest)}`;
}

function zshAction({ kind, choices, choiceTakesFile }: Word): string {
  if (choiceTakesFile) return ` _nfreplay_choice ${choices?.join(' ')}`;
  if (choices !== undefined) return `(${choices.join(' ')})`;
  return { file: '_files', folder: '_files -/', input: '_nfreplay_input', other: ' ' }[kind];
}

const zshQuote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

function fish(): string {
  const lines = COMMANDS.flatMap((spec) => {
    const { name, summary, positionals, positionalChoices } = spec;
    const seen = `complete -c nfreplay -n '__fish_seen_subcommand_from ${name}'`;
    return [
      `complete -c nfreplay -n __fish_use_subcommand -a ${name} -d ${fishQuote(summary)}`,
      ...optionsOf(spec).map((option) => `${seen} ${fishOption(option)}`),
      ...(positionals === undefined
        ? []
        : [`${seen} ${fishAction({ kind: kindOf(positionals), choices: positionalChoices })}`]),
      '',
    ];
  });
  return `# fish completion for nfreplay. To use it now:  nfreplay completion fish | source
# For good:  nfreplay completion fish > ~/.config/fish/completions/nfreplay.fish
# ${ABOUT}

# For NAME=FILE: the files, once there is a name.
function __nfreplay_file
    set -l token (string replace -r -- '^--[a-z]+=' '' (commandline -ct))
    string match -q -- '*=*' $token; or return
    set -l parts (string split -m 1 = -- $token)
    for path in (__fish_complete_path $parts[2])
        echo $parts[1]=$path
    end
    return 0
end
function __nfreplay_choice
    __nfreplay_file; or string join \\n $argv
end
function __nfreplay_input
    __nfreplay_file; and return
    set -l host
    set -l words (commandline -opc)
    for i in (seq (count $words))
        switch $words[$i]
            case --host
                set host $words[(math $i + 1)]
            case '--host=*'
                set host (string replace -- --host= '' $words[$i])
        end
    end
    if test -d "$host"
        set host $host/addr.json
    end
    if test -f "$host"
        string match -ar '"ifname": *"[^"]*"' <$host | string replace -r '.*"(.*)"' '$1=' |
            string match -v lo= | sort -u
    end
    echo local=
end

complete -c nfreplay -f
${GLOBAL_OPTIONS.map((option) => `complete -c nfreplay -n __fish_use_subcommand ${fishOption(option)}`).join('\n')}
complete -c nfreplay -n '__fish_seen_subcommand_from help' -a '${COMMANDS.map(({ name }) => name).join(' ')}'

${lines.join('\n')}`;
}

function fishOption(option: OptionSpec): string {
  const { name, short, value, help } = option;
  const action = value === undefined ? '' : ` -r ${fishAction(wordOf(option))}`;
  return `${short === undefined ? '' : `-s ${short} `}-l ${name}${action} -d ${fishQuote(summaryOf(help))}`;
}

function fishAction({ kind, choices, choiceTakesFile }: Word): string {
  if (choiceTakesFile) return `-f -a '(__nfreplay_choice ${choices?.join(' ')})'`;
  if (choices !== undefined) return `-f -a '${choices.join(' ')}'`;
  return {
    file: '-F',
    folder: "-f -a '(__fish_complete_directories)'",
    input: "-f -a '(__nfreplay_input)'",
    other: '-f',
  }[kind];
}

const fishQuote = (text: string): string => `'${text.replace(/[\\']/g, '\\$&')}'`;
