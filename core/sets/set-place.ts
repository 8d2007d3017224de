/** Where a set is: what rules and lists hold on to (the kernel's index of a set). */
import type { IpSet } from './ip-set.js';

/** `swap` puts another set here, so that a name always leads to the same place. */
export class SetPlace {
  set: IpSet;
  /** How many rules and lists refer to it. */
  references = 0;

  constructor(set: IpSet) {
    this.set = set;
  }
}
