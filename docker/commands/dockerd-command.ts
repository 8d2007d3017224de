/** `dockerd OPTIONS`, and the file that its `--config-file` names: how the engine starts. */
import type { Word } from '../../codecs/iptables-save.js';
import type { AddressPool } from '../model.js';
import type { ParseContext } from './context.js';
import { daemonFile, optionOf } from './daemon-file.js';
import {
  BOOLEANS,
  checkBackend,
  checkedPool,
  daemonText,
  refuseLater,
  type SomeOptions,
  TEXTS,
} from './daemon-values.js';
import { DOCKERD_FLAGS } from './dockerd-flags.js';
import { CommandFault, notFollowed, partOf } from './fault.js';
import { commaParts, type Flags, parseFlags } from './flags.js';
import type { Parsed } from './subcommands.js';

/** Options that would make another engine than the one that is followed. */
const REFUSED: readonly string[] = ['ipv6', 'rootless', 'validate', 'version', 'help'];
const REFUSED_VALUES: readonly string[] = ['bip6', 'fixed-cidr-v6', 'default-gateway-v6'];

/**
 * Parses WORDS, those behind COMMAND, `dockerd`.
 * @throws {CommandFault}
 */
export function dockerdCommand(words: readonly Word[], command: string, context: ParseContext): Parsed {
  const flags = parseFlags(words, DOCKERD_FLAGS, { command, isInterspersed: true });
  const [more] = flags.positionals;
  if (more !== undefined)
    throw new CommandFault(more, `"${more.text}" is one word too many`, `${command} --OPTION=VALUE`);
  for (const name of REFUSED) if (flags.isSet(name)) throw notFollowed(flags.last(name)!, `--${name}`);
  for (const name of REFUSED_VALUES) {
    const word = flags.last(name);
    if (word !== undefined) throw notFollowed(word, `--${name}`);
  }
  for (const name of DOCKERD_FLAGS.keys()) {
    const word = flags.last(name);
    if (word !== undefined) refuseLater(name, word, context.release);
  }
  const given = optionsIn(flags);
  const path = flags.last('config-file');
  const options = { ...(path === undefined ? {} : fromFile(path, flags, context)), ...given };
  const first = words[0] ?? { text: command, line: 1, column: 1 };
  refuseConflicts(options, flags, first);
  return { action: { kind: 'dockerd', options }, notes: [] };
}

function optionsIn(flags: Flags): SomeOptions {
  const backend = flags.last('firewall-backend');
  if (backend !== undefined) checkBackend(backend);
  const options: SomeOptions = {};
  for (const [name, member] of Object.entries(BOOLEANS)) {
    if (flags.last(name) !== undefined) Object.assign(options, { [member]: flags.isSet(name) });
  }
  for (const [name, member] of Object.entries(TEXTS)) {
    const word = flags.last(name);
    if (word !== undefined) Object.assign(options, { [member]: daemonText(name, word) });
  }
  const mtu = flags.last('mtu');
  if (mtu !== undefined) options.mtu = Number(mtu.text);
  const pools = flags.all('default-address-pool');
  if (pools.length > 0) options.defaultAddressPools = pools.map(poolOf);
  const networkOptions = flags.all('default-network-opt');
  if (networkOptions.length > 0)
    options.defaultNetworkOptions = Object.fromEntries(networkOptions.flatMap(networkOption));
  return options;
}

function poolOf(word: Word): AddressPool {
  const members = new Map<string, Word>();
  for (const part of commaParts(word)) {
    const [, key, value] = /^(base|size)=(.*)$/.exec(part.text) ?? [];
    if (key === undefined) throw new CommandFault(part, `a pool has no "${part.text}"`, 'base=10.200.0.0/16,size=24');
    members.set(key, partOf(part, part.text.length - value.length));
  }
  const base = members.get('base');
  const size = members.get('size');
  if (base === undefined || size === undefined)
    throw new CommandFault(word, 'a pool has a base and a size', 'base=10.200.0.0/16,size=24');
  return checkedPool(base, Number(size.text), size);
}

/** `bridge=com.docker.network.driver.mtu=1400` */
function networkOption(word: Word): [string, string][] {
  const [, driver, name, value] = /^([^=]+)=([^=]+)=(.*)$/s.exec(word.text) ?? [];
  if (driver === undefined)
    throw new CommandFault(word, `--default-network-opt takes no "${word.text}"`, 'bridge=NAME=VALUE');
  return driver === 'bridge' ? [[name, value]] : [];
}

/** What the file at PATH says, which may not say what FLAGS say, too. */
function fromFile(path: Word, flags: Flags, context: ParseContext): SomeOptions {
  const { options, members, file } = daemonFile(path, context);
  for (const [name, place] of members) {
    const flag = optionOf(name);
    if (flags.last(flag) === undefined) continue;
    const what = `${name} stands here and in the command (--${flag}), which dockerd refuses`;
    throw new CommandFault(place, what, 'one of them', false, file);
  }
  return options;
}

/** What dockerd itself refuses (moby: verifyDaemonSettings). */
function refuseConflicts({ bridge, bip, iptables, icc }: SomeOptions, flags: Flags, first: Word): void {
  const at = (name: string): Word => flags.last(name) ?? first;
  if (bridge !== undefined && bridge !== '' && bip !== undefined && bip !== '')
    throw new CommandFault(at('bip'), '--bridge and --bip exclude each other', 'one of them');
  if (iptables === false && icc === false)
    throw new CommandFault(at('icc'), '--icc=false needs iptables', 'one of --icc=false and --iptables=false');
}
