/** Plain text in what is shown of packets: ends with names, interfaces, flags, verdicts, and rules that decided. */

import { IPPROTO_ICMP } from '../../../codecs/assigned-numbers.js';
import { flagLetters, flagNames } from '../../../codecs/sentence/tcp-flags.js';
import type { ResultIndex, RulesSection, Traversal } from '../../../explain/report/format/model.js';
import { address } from '../../words/ends.js';
import { icmpText, protocolText } from '../../words/number-names.js';
import type { TupleColumns } from '../result.js';
import { addressIndex } from './address-index.js';
import { tableOf } from './row-test.js';
import type { Slices } from './slices.js';

/**
 * Whether TEXT has WORD, both in lower case. Numbers are found as a whole: 80 is not in 8080, and 10.0.0.1 not in
 * 10.0.0.12.
 */
export function contains(text: string, word: string): boolean {
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    const end = at + word.length;
    if (!areDigits(text[at - 1], word[0]) && !areDigits(text[end], word[word.length - 1])) return true;
  }
  return false;
}

const isDigit = (char: string | undefined): boolean => char !== undefined && char >= '0' && char <= '9';
const areDigits = (a: string | undefined, b: string): boolean => isDigit(a) && isDigit(b);

/** The table of the traversals whose verdict, state, or rule that decided has WORD. */
export function traversalsWith(word: string, traversals: readonly Traversal[], rules: RulesSection): Uint8Array {
  const places = rules.chains.map(({ table, name }) => contains(`${table} ${name}`.toLowerCase(), word));
  const remarks = rules.rules.map(({ comment }) => comment !== undefined && contains(comment.toLowerCase(), word));
  return tableOf(0, traversals.length, (number) => {
    const { verdict, ctstate, decider, stages } = traversals[number];
    return (
      contains(`${verdict} ${ctstate ?? ''} ${deciderText(decider, rules)}`.toLowerCase(), word) ||
      stages.some(({ steps }) =>
        steps.some((step) =>
          step.kind === 'rule'
            ? step.isMatched && (remarks[step.rule] || places[rules.rules[step.rule].chain])
            : step.kind === 'policy' && places[step.chain],
        ),
      )
    );
  });
}

function deciderText(decider: Traversal['decider'], { rules, chains }: RulesSection): string {
  switch (decider.kind) {
    case 'rule': {
      const { file, line, text } = rules[decider.rule];
      return `${file}:${line} ${text} ${decider.reason ?? ''}`;
    }
    case 'policy': {
      const { policy, file, line } = chains[decider.chain];
      return `policy ${policy} ${file}:${line}`;
    }
    case 'host':
      return `${decider.words} ${decider.reason}`;
    default:
      return '';
  }
}

/** The table of the tuples, from -1, whose ends or their names have WORD, or their protocol or type of ICMP. */
export async function tuplesWith(
  word: string,
  tuples: TupleColumns,
  { names: hosts, numberNames }: Pick<ResultIndex, 'names' | 'numberNames'>,
  slices: Slices,
): Promise<Uint8Array> {
  const { addresses, source, destination } = await addressIndex(tuples, slices);
  const [hostWord, portWord] = endWord(word);
  const hasAddress = new Uint8Array(addresses.length);
  await slices.each(addresses.length, (from, to) => {
    for (let i = from; i < to; i++) hasAddress[i] = hasHost(address(addresses[i]), hostWord, hosts) ? 1 : 0;
  });
  const isEnd = hostWord !== word;
  const port = /^\d+$/.test(portWord) ? Number(portWord) : numberNames.services[portWord];
  const protocols = tableOf(0, 256, (protocol) => !isEnd && contains(protocolText(protocol, numberNames), word));
  const kinds = new Map<number, boolean>();
  const isKind = (type: number, code: number): boolean => {
    const key = (type << 8) | code;
    const known = kinds.get(key) ?? contains(icmpText(type, code, numberNames).toLowerCase(), word);
    kinds.set(key, known);
    return known;
  };
  const table = new Uint8Array(tuples.source.length + 1);
  await slices.each(tuples.source.length, (from, to) => {
    for (let i = from; i < to; i++) {
      const protocol = tuples.protocol[i];
      const sport = tuples.sport[i];
      const dport = tuples.dport[i];
      const isIcmp = protocol === IPPROTO_ICMP && sport >= 0;
      const [hasSource, hasDestination] = [hasAddress[source[i]] === 1, hasAddress[destination[i]] === 1];
      const hasEnd = isEnd
        ? (hasSource && (port === undefined || port === sport)) ||
          (hasDestination && (port === undefined || port === dport))
        : hasSource || hasDestination || (!isIcmp && port !== undefined && (port === sport || port === dport));
      if (hasEnd || protocols[protocol] === 1 || (isIcmp && !isEnd && isKind(sport, dport))) table[i + 1] = 1;
    }
  });
  return table;
}

/** The parts of WORD if it is an end such as `10.0.0.1:80`, `web:` or `:80`; else it itself, twice. */
function endWord(word: string): readonly [host: string, port: string] {
  const match = /^([^:]*):(\d*)$/.exec(word);
  return match === null ? [word, word] : [match[1], match[2]];
}

function hasHost(text: string, word: string, hosts: Readonly<Record<string, string>>): boolean {
  if (word === '' || contains(text, word)) return true;
  return Object.hasOwn(hosts, text) && contains(hosts[text].toLowerCase(), word);
}

/** The table of TCP flags, from -1, whose letters or names are WORD. */
export function flagsWith(word: string): Uint8Array {
  return tableOf(1, 256, (flags) => {
    if (flags < 0) return false;
    return flagLetters(flags).toLowerCase() === word || flagNames(flags).toLowerCase().split('/').includes(word);
  });
}
