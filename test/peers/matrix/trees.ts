import path from 'node:path';
import { changeTree } from '../../support/change-tree.ts';
import { makeTree } from '../../support/make-tree.ts';

/** The client's tree in two versions, a day apart, each in a folder of its own. */
export class SourceTrees {
  private readonly parent: string;

  constructor(parent: string, seed: number) {
    this.parent = parent;
    const options = { seed, files: 14, shrink: 16 };
    makeTree(this.folder('1'), options);
    makeTree(this.folder('2'), options);
    changeTree(this.folder('2'), options);
  }

  folder(version: string): string {
    return path.join(this.parent, `version-${version}`);
  }
}
