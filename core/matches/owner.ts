/** `-m owner`: who owns the socket that a local packet was sent from (xt_owner). */
import type { Word } from '../../codecs/iptables-save.js';
import { Hook } from '../hooks.js';
import type { SocketOwner } from '../host/facts.js';
import type { MatchExtension, ParsedOption } from '../rules/extension.js';
import { listedParts } from '../rules/listing/listed-form.js';
import { RuleFault } from '../rules/parse/error.js';
import { parseNumber } from '../rules/parse/values.js';

/** Both inclusive. */
interface IdRange {
  readonly min: number;
  readonly max: number;
  readonly negated: boolean;
}

interface OwnerParams {
  readonly uid: IdRange | undefined;
  readonly gid: IdRange | undefined;
  readonly socketExists: { readonly negated: boolean } | undefined;
  /** Whether the supplementary groups count too. */
  readonly supplementary: boolean;
}

/** The last one, 0xffffffff, stands for no user (UINT32_MAX in the C library). */
const MAX_ID = 0xfffffffe;
/** What may be the name of a user or a group. */
const NAME = /^[A-Za-z_][^:]*$/;

export const owner: MatchExtension<OwnerParams> = {
  name: 'owner',
  hooks: [Hook.OUTPUT, Hook.POSTROUTING],
  options: [
    { name: '--uid-owner', words: 1, invertible: true, expected: 'a user, or first-last' },
    { name: '--gid-owner', words: 1, invertible: true, expected: 'a group, or first-last' },
    { name: '--socket-exists', words: 0, invertible: true },
    { name: '--suppl-groups', words: 0 },
  ],

  listed: listedParts(
    [/(!)? ?owner socket exists/, '$1 --socket-exists'],
    [/(!)? ?owner UID match (\S+)/, '$1 --uid-owner $2'],
    [/(!)? ?owner GID match (\S+)/, '$1 --gid-owner $2'],
    [/incl\. suppl\. groups/, '--suppl-groups'],
  ),

  parse(options) {
    const uid = options.get('--uid-owner');
    const gid = options.get('--gid-owner');
    const socketExists = options.get('--socket-exists');
    const supplementary = options.get('--suppl-groups');
    if (
      supplementary !== undefined &&
      (gid === undefined || options.all.indexOf(gid) > options.all.indexOf(supplementary))
    ) {
      throw new RuleFault(supplementary.word, '--suppl-groups needs --gid-owner before it', '--gid-owner group');
    }
    if (uid === undefined && gid === undefined && socketExists === undefined) {
      throw new RuleFault(options.word, 'owner without an option', '--uid-owner, --gid-owner or --socket-exists');
    }
    return {
      uid: uid && parseIds(uid, 'user', options.names.users),
      gid: gid && parseIds(gid, 'group', options.names.groups),
      socketExists: socketExists && { negated: socketExists.negated },
      supplementary: supplementary !== undefined,
    };
  },

  refuse({ uid, gid }) {
    const wrong = [uid, gid].find((range) => range !== undefined && range.min > range.max);
    return wrong && `the range ${wrong.min}-${wrong.max} is empty`;
  },

  save({ uid, gid, socketExists, supplementary }) {
    let text = '';
    if (socketExists !== undefined) text += `${socketExists.negated ? ' !' : ''} --socket-exists`;
    if (uid !== undefined) text += saveIds('--uid-owner', uid);
    if (gid !== undefined) text += saveIds('--gid-owner', gid);
    return supplementary ? `${text} --suppl-groups` : text;
  },

  lower(params) {
    return {
      native: {
        reads: ['socket'],
        check: (packet, { facts }) => isOwned(params, facts.ownerOf(packet, 'ids')),
        explanation: 'another user sent the packet, or no process of this host did',
      },
    };
  },
};

/** owner_mt: OWNER is that of the packet's socket, if it has one. */
function isOwned({ uid, gid, socketExists, supplementary }: OwnerParams, owner: SocketOwner | undefined): boolean {
  const isAnyBut = (range: IdRange | undefined): boolean => range === undefined || range.negated;
  if (owner === undefined) {
    return isAnyBut(uid) && isAnyBut(gid) && socketExists?.negated !== false && !supplementary;
  }
  if (socketExists?.negated === true) return false;
  if (!owner.hasFile) return isAnyBut(uid) && isAnyBut(gid);
  if (uid !== undefined && isWithin(uid, owner.uid) === uid.negated) return false;
  if (gid === undefined) return true;
  const isMember = isWithin(gid, owner.gid) || (supplementary && owner.groups.some((group) => isWithin(gid, group)));
  return isMember !== gid.negated;
}

const isWithin = ({ min, max }: IdRange, id: number): boolean => id >= min && id <= max;

/** NAMES: those of a WHAT, which stand alone. */
function parseIds(
  { values, negated }: ParsedOption,
  what: 'user' | 'group',
  names: ReadonlyMap<string, number>,
): IdRange {
  const [word] = values;
  const named = names.get(word.text);
  if (named !== undefined) return { min: named, max: named, negated };
  // A name may have a dash: www-data.
  const separator = NAME.test(word.text) ? undefined : /[-:]/.exec(word.text)?.index;
  if (separator === undefined || separator === 0) {
    const id = parseId(word, word.text, what);
    return { min: id, max: id, negated };
  }
  return {
    min: parseId(word, word.text.slice(0, separator), undefined),
    max: parseId(word, word.text.slice(separator + 1), undefined),
    negated,
  };
}

/** Parses the number TEXT; if it is of a WHAT, its name too. */
function parseId(word: Word, text: string, what: 'user' | 'group' | undefined): number {
  const id = parseNumber(text, MAX_ID);
  if (id !== undefined) return id;
  if (what !== undefined && NAME.test(text)) {
    const expected = `its number, or names.${what}s in host.json`;
    throw new RuleFault(word, `the ${what} "${text}" of the host is not known here`, expected, 'unsupported');
  }
  throw new RuleFault(word, `bad ${what ?? 'range'} "${word.text}"`, `0–${MAX_ID}, or first-last`);
}

function saveIds(option: string, { min, max, negated }: IdRange): string {
  return `${negated ? ' !' : ''} ${option} ${min === max ? min : `${min}-${max}`}`;
}
