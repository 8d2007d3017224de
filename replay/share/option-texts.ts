/** Replaces what options of a case say about whose it is: filters, points of time, commands. */
import { maskLength, parseAddress, prefixMask } from '../../codecs/address.js';
import { parseWhen } from '../../codecs/when.js';
import type { HostCommand } from '../commands/host-command.js';
import { NotFollowedError } from '../errors.js';
import { replaceAllAddressesIn } from './addresses-in-text.js';
import { replaceSysctl } from './host-json.js';
import type { Replacer } from './replacer.js';
import { replaceRuleWords } from './rule-words.js';
import { replaceSetWords, type SetTypes } from './set-texts.js';

/** `net 10.1`, `net 10.1.0.0 mask 255.255.0.0`. */
const NET = /\bnet\s+(\d+(?:\.\d+){0,3})(?:\s+mask\s+(\d+\.\d+\.\d+\.\d+))?(?![\d.:/])/g;
const DEVICE = /\b(ifname|on)(\s+)([^\s()]+)/g;
const COMPARED_BYTES = /\b(?:ip|ether|tcp|udp|icmp|link)\s*\[[^\]]+\]/;
const OCTETS = 4;

/** The replacement of FILTER, in tcpdump's language. HOST_NAMES: those that it may use. */
export function replaceFilter(filter: string, replacer: Replacer, hostNames: Iterable<string>): string {
  if (COMPARED_BYTES.test(filter)) replacer.keeps('numbers that a filter compares with bytes of packets');
  // Numbered in place of what was replaced, so that it is not replaced again.
  const done: string[] = [];
  const put = (text: string): string => `\ue000${done.push(text) - 1}\ue000`;
  let replaced = filter
    .replace(NET, (found, net: string, mask?: string) => {
      const text = replaceNet(net, mask, replacer);
      return text === undefined ? found : put(text);
    })
    .replace(DEVICE, (_, word: string, blank: string, name: string) => word + blank + put(replacer.iface(name)));
  for (const name of hostNames) {
    const word = new RegExp(`(?<![\\w.-])${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?![\\w.-])`, 'g');
    replaced = replaced.replace(word, () => put(replacer.named('name', name)));
  }
  return replaceAllAddressesIn(replaced, replacer).replace(/\ue000(\d+)\ue000/g, (_, i: string) => done[Number(i)]);
}

/** Undefined: it is an address, or none. */
function replaceNet(net: string, maskText: string | undefined, replacer: Replacer): string | undefined {
  const octets = net.split('.');
  const address = parseAddress([...octets, '0', '0', '0'].slice(0, OCTETS).join('.'));
  const mask = maskText === undefined ? prefixMask('ipv4', octets.length * 8) : parseAddress(maskText);
  if (address === undefined || mask === undefined || (octets.length === OCTETS && maskText === undefined))
    return undefined;
  const length = maskLength(mask);
  if (length === undefined) return `net ${replacer.masked(address, mask)} mask ${mask}`;
  return `net ${replacer.inNetwork(address.masked(mask), length)}/${length}`;
}

/** The replacement of TEXT, a point of a replay as options name it. */
export function replaceWhen(text: string, replacer: Replacer): string {
  const when = parseWhen(text);
  if (when === undefined || when.is !== 'time') return text;
  const fraction = when.nsec === 0 ? '' : `.${String(when.nsec).padStart(9, '0').replace(/0+$/, '')}`;
  return `@${replacer.moment(when.sec)}${fraction}`;
}

export interface CommandContext {
  readonly chains: ReadonlySet<string>;
  readonly setTypes: SetTypes;
}

/** The replacement of COMMAND, as it is typed. */
export function replaceCommand(command: HostCommand, replacer: Replacer, { chains, setTypes }: CommandContext): string {
  const { tool, all, words } = command;
  const head = all.slice(0, all.length - words.length).map(({ text }) => text.replace(/^.*\//, ''));
  const texts = words.map(({ text }) => text);
  return [...head, ...replaceWords(tool, texts)].map(quoted).join(' ');

  function replaceWords(name: HostCommand['tool'], given: readonly string[]): string[] {
    switch (name) {
      case 'ipset':
        return replaceSetWords(given, replacer, setTypes);
      case 'sysctl':
        return given.map((word) => word.replace(/^[^-=][^=]*(?==)/, (key) => replaceSysctl(key, replacer)));
      case 'host':
        if (/\b(?:docker|docker-compose|dockerd)$/.test(head.join(' ')) || given.some((word) => /^docker\b/.test(word)))
          throw new NotFollowedError(
            `${all.map(({ text }) => text).join(' ')}: what a Docker engine knows is not shared; leave the command out`,
          );
        return [...given];
      case 'iptables-save':
        return [...given];
      case 'iptables-restore':
        throw new NotFollowedError(
          `${given.join(' ')}: the file that iptables-restore reads is not shared; ` +
            'give its rules with --rules, or with --at WHEN=FILE',
        );
      default:
        return replaceRuleWords(given, replacer, chains);
    }
  }
}

/** WORD as a POSIX shell takes it. */
function quoted(word: string): string {
  return /^[-\w.,:/=@%+!]+$/.test(word) && word !== '' ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
