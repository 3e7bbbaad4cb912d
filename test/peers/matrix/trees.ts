import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { changeTree } from '../../support/change-tree.ts';
import { makeTree } from '../../support/make-tree.ts';
import { runOk } from '../../support/run.ts';
import { removeFolder } from '../../support/temporary.ts';

/** The client's tree in two versions, a day apart, each in a folder of its own. */
export class SourceTrees {
  private readonly parent: string;

  constructor(parent: string, seed: number) {
    this.parent = parent;
    const options = { seed, files: 14, shrink: 16 };
    makeTree(this.folder('1'), options);
    makeTree(this.folder('2'), options);
    changeTree(this.folder('2'), options);
    // reading leaves such a time of access as it is (relatime): both clients of a push find the same one
    for (const version of ['1', '2'])
      execFileSync('find', [this.folder(version), '-exec', 'touch', '-a', '-h', '-d', '2300-01-01', '{}', '+']);
  }

  /** Fresh copies, all attributes included, for a client that changes them. */
  async copies(version: string, count: number): Promise<string[]> {
    const made: string[] = [];
    for (let i = 0; i < count; i++) {
      const to = path.join(this.parent, `copy-${i}`);
      removeFolder(to);
      await runOk('cp', ['-a', '--', this.folder(version), to]);
      made.push(to);
    }
    return made;
  }

  folder(version: string): string {
    return path.join(this.parent, `version-${version}`);
  }
}
