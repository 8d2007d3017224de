/** `-m cgroup`: the control group of the socket that a packet belongs to (xt_cgroup, revision 2). */
import { quoteWord } from '../../codecs/iptables-save.js';
import { cutToBytes } from '../../codecs/text.js';
import { Hook } from '../hooks.js';
import type { MatchExtension } from '../rules/extension.js';
import { listedAs } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';
import { parseNumber } from '../rules/parse/values.js';

interface CgroupParams {
  /** Of the group's net_cls controller (version 1). */
  readonly classid: { readonly id: number; readonly negated: boolean } | undefined;
  /** In the hierarchy of version 2, as written. Groups below it match too. */
  readonly path: { readonly path: string; readonly negated: boolean } | undefined;
}

const MAX_CLASSID = 0xffffffff;
/** The kernel stores 512 bytes including the terminating zero. */
const MAX_PATH_BYTES = 511;

export const cgroup: MatchExtension<CgroupParams> = {
  name: 'cgroup',
  hooks: [Hook.INPUT, Hook.OUTPUT, Hook.POSTROUTING],
  options: [
    { name: '--path', words: 1, invertible: true, expected: 'a path in the cgroup2 hierarchy' },
    { name: '--cgroup', words: 1, invertible: true, expected: 'a classid, 0–4294967295' },
  ],

  listed: listedAs([/cgroup (!)? ?(\d+)/, '$1 --cgroup $2'], [/cgroup (!)? ?(\S*[^\d\s]\S*)/, '$1 --path $2']),

  parse(options) {
    const classid = options.get('--cgroup');
    const path = options.get('--path');
    const id = classid && parseNumber(classid.values[0].text, MAX_CLASSID);
    if (classid !== undefined && id === undefined) {
      const [word] = classid.values;
      throw new RuleFault(word, `bad classid "${word.text}"`, 'a number of 32 bits');
    }
    return {
      classid: classid && { id: id!, negated: classid.negated },
      path: path && { path: cutToBytes(path.values[0].text, MAX_PATH_BYTES), negated: path.negated },
    };
  },

  refuse({ classid, path }) {
    if (classid !== undefined && path !== undefined) return 'a cgroup is chosen by --path or by --cgroup, not both';
    return classid === undefined && path === undefined ? 'cgroup needs --path or --cgroup' : undefined;
  },

  save({ classid, path }) {
    if (path !== undefined) return `${path.negated ? ' !' : ''} --path ${quoteWord(path.path)}`;
    return classid === undefined ? '' : `${classid.negated ? ' !' : ''} --cgroup ${classid.id}`;
  },

  lower({ classid, path }) {
    const wanted = path && normalized(path.path);
    return {
      native: {
        reads: ['socket'],
        // A packet without a socket never matches, negated or not.
        check(packet, { facts }) {
          const owner = facts.ownerOf(packet, 'cgroup');
          if (owner === undefined) return false;
          if (classid !== undefined) return (owner.classid === classid.id) !== classid.negated;
          return wanted !== undefined && isBelow(normalized(owner.cgroup), wanted) !== path!.negated;
        },
        explanation: 'the packet is of no socket in this cgroup',
      },
    };
  },
};

/** PATH without needless slashes: '' is the root. */
const normalized = (path: string): string =>
  path
    .split('/')
    .filter((part) => part !== '')
    .join('/');

/** Whether the cgroup PATH is ANCESTOR, or below it. */
function isBelow(path: string, ancestor: string): boolean {
  return ancestor === '' || path === ancestor || path.startsWith(`${ancestor}/`);
}
