import { Argument, type Command } from 'commander';
import { write } from '../output.ts';

/** Each asks `nightdrop __complete WORDS…` (cli/complete.ts) and leaves it to the shell to offer files where that says nothing. */
const SCRIPTS: Record<string, string> = {
  bash: `_nightdrop() {
  local word
  COMPREPLY=()
  while IFS= read -r word; do
    COMPREPLY+=("$word")
  done < <("\${COMP_WORDS[0]}" __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _nightdrop nightdrop
`,
  zsh: `#compdef nightdrop
_nightdrop() {
  local -a found
  found=("\${(@f)$("\${words[1]}" __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "\${found[1]}" ]]; then compadd -- "\${found[@]}"; else _files; fi
}
compdef _nightdrop nightdrop
`,
  fish: `function __nightdrop_complete
    set -l words (commandline -opc) (commandline -ct)
    $words[1] __complete $words[2..-1] 2>/dev/null
end
complete -c nightdrop -a '(__nightdrop_complete)'
`,
};

export function addCompletion(program: Command): void {
  program
    .command('completion')
    .addArgument(new Argument('<shell>').choices(Object.keys(SCRIPTS)))
    .description('print the completion script of a shell')
    .addHelpText(
      'after',
      `
Examples:
  source <(nightdrop completion bash)                                  # in ~/.bashrc
  source <(nightdrop completion zsh)                                   # in ~/.zshrc, after compinit
  nightdrop completion fish > ~/.config/fish/completions/nightdrop.fish`,
    )
    .action((shell: string) => write(SCRIPTS[shell]));
}
