/** What the command ends with. */
export const ExitCode = {
  ok: 0,
  error: 1,
  usage: 2,
  damage: 3,
  incomplete: 4,
  busy: 5,
} as const;

export const EXIT_CODE_HELP = `
Exit codes:
  0  done
  1  error: said on standard error, nothing more was done
  2  the command line is wrong
  3  check found damage
  4  restore left something out, or import could not carry something that matters; each is said
  5  the vault is in use by a push or another command, or the data folder by another server`;
