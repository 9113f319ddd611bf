import type { Command } from './command.ts'

/** The shells that {@link completionFor} writes for. */
export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

/** A script that lets `shell` complete commands, options, their values and files. */
export function completionFor(shell: Shell, commands: readonly Command[]): string {
  switch (shell) {
    case 'bash':
      return bash(commands)
    case 'zsh':
      return zsh(commands)
    case 'fish':
      return fish(commands)
  }
}

const names = (commands: readonly Command[]): string => commands.map(({ name }) => name).join(' ')

function bash(commands: readonly Command[]): string {
  const options = commands.map(
    (command) =>
      `    ${command.name}) options="${optionsOf(command)
        .map(([name]) => `--${name}`)
        .join(' ')}" ;;`,
  )
  const values = commands.flatMap((command) =>
    optionsOf(command).flatMap(([name, { choices }]) =>
      choices
        ? [`    '${command.name} --${name}') COMPREPLY=($(compgen -W "${choices.join(' ')}" -- "$word")); return ;;`]
        : [],
    ),
  )
  return `# tokenward completion bash > ~/.local/share/bash-completion/completions/tokenward
_tokenward() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" command="\${COMP_WORDS[1]}" options=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${names(commands)} --help --version" -- "$word"))
    return
  fi
  case "$command $before" in
${values.join('\n')}
    'completion completion') COMPREPLY=($(compgen -W "${shells.join(' ')}" -- "$word")); return ;;
  esac
  case "$command" in
${options.join('\n')}
  esac
  case "$word" in
    -*) COMPREPLY=($(compgen -W "$options --help" -- "$word")) ;;
    *) COMPREPLY=($(compgen -f -- "$word")) ;;
  esac
}
complete -o filenames -F _tokenward tokenward
`
}

function zsh(commands: readonly Command[]): string {
  const cases = commands.map((command) => {
    const options = optionsOf(command).map(([name, { help, choices, type, short }]) => {
      const value = type === 'boolean' ? '' : choices ? `:value:(${choices.join(' ')})` : ':value:_files'
      const flags = short === undefined ? `--${name}` : `{-${short},--${name}}`
      const text = `'[${help.replace(/['\\[\]:]/g, ' ')}]${value}'`
      return `        ${flags}${text}`
    })
    const rest = command.name === 'completion' ? `'*:shell:(${shells.join(' ')})'` : "'*:file:_files'"
    return `      ${command.name})\n        _arguments \\\n${[...options, `        ${rest}`].join(' \\\n')} ;;`
  })
  return `#compdef tokenward
# tokenward completion zsh > "\${fpath[1]}/_tokenward"
_tokenward() {
  local -a commands=(
${commands.map(({ name, summary }) => `    '${name}:${summary.replace(/'/g, '’')}'`).join('\n')}
  )
  _arguments -C '1: :->command' '*:: :->rest'
  case "$state" in
    command) _describe command commands ;;
    rest)
      case "$words[1]" in
${cases.join('\n')}
      esac ;;
  esac
}
_tokenward "$@"
`
}

function fish(commands: readonly Command[]): string {
  const lines = commands.flatMap((command) => {
    const within = `complete -c tokenward -n '__fish_seen_subcommand_from ${command.name}'`
    return [
      `complete -c tokenward -n __fish_use_subcommand -f -a ${command.name} -d '${quoted(command.summary)}'`,
      ...optionsOf(command).map(([name, { help, choices, type, short }]) =>
        [
          within,
          `-l ${name}`,
          ...(short === undefined ? [] : [`-s ${short}`]),
          ...(type === 'boolean' ? [] : ['-r']),
          ...(choices ? [`-f -a '${choices.join(' ')}'`] : []),
          `-d '${quoted(help)}'`,
        ].join(' '),
      ),
      ...(command.name === 'completion' ? [`${within} -f -a '${shells.join(' ')}'`] : []),
    ]
  })
  return `# tokenward completion fish > ~/.config/fish/completions/tokenward.fish\n${lines.join('\n')}\n`
}

const optionsOf = ({ options }: Command): [string, Command['options'][string]][] => Object.entries(options)
const quoted = (text: string): string => text.replace(/['\\]/g, '\\$&')
