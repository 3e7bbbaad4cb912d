/** The cases: trees to make, and steps that change them, each measured with all programs on the same tree. */

export interface TreePlan {
  name: string;
  /** arguments of make-tree.mjs that make it, and with `--quick` */
  make: string[];
  quick: string[];
  cases: Case[];
}

export interface Case {
  name: string;
  title: string;
  /** arguments of `make-tree.mjs night` before each push; none: the tree stays as it is */
  step?: string[];
  /** into a new store each time */
  fresh?: boolean;
  /** the first push into the store that the other cases change, once: too long to repeat */
  fill?: boolean;
  /** pushes of the step before the first that counts */
  warmUp?: number;
}

export const plans: TreePlan[] = [
  {
    name: 'many',
    make: ['many', '--files', '100000'],
    quick: ['many', '--files', '3000'],
    cases: [
      { name: 'first', title: '100,000 files, first push', fresh: true },
      { name: 'nothing', title: '100,000 files, nothing changed' },
      { name: 'files', title: '1 % of files changed', step: ['--step', 'files'] },
      { name: 'touch', title: '10 % of files touched', step: ['--step', 'touch'] },
      { name: 'rename-dir', title: 'directory with 5 % of files renamed', step: ['--step', 'rename-dir'] },
    ],
  },
  {
    name: 'db',
    make: ['big', '--only', 'db', '--size', '2G'],
    quick: ['big', '--only', 'db', '--size', '64M'],
    cases: [
      { name: 'db-first', title: '2-GiB database, first push (one run)', fill: true },
      {
        name: 'db-scatter',
        title: '2-GiB database, 1 % of pages, third night',
        step: ['--step', 'db-scatter'],
        warmUp: 2,
      },
    ],
  },
  {
    name: 'dump',
    make: ['big', '--only', 'dump', '--size', '256M'],
    quick: ['big', '--only', 'dump', '--size', '16M'],
    cases: [
      { name: 'insert-front', title: '256-MiB dump, 1 KiB inserted at the front', step: ['--step', 'insert-front'] },
    ],
  },
  {
    name: 'log',
    make: ['big', '--only', 'log', '--size', '256M'],
    quick: ['big', '--only', 'log', '--size', '16M'],
    cases: [{ name: 'log-append', title: '256-MiB log, 2 % appended', step: ['--step', 'log-append'] }],
  },
];
