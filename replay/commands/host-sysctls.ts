/** `sysctl -w NAME=VALUE` among the commands that are carried out before the first packet. */
import type { HostDescription } from '../../codecs/host/description.js';
import type { HostSource } from '../../codecs/host/parse-host.js';
import { sysctlsOf } from '../../codecs/host/sysctls.js';
import type { Word } from '../../codecs/iptables-save.js';
import { commandError, type HostCommand } from './host-command.js';

/** Options that change nothing about what is set. */
const NO_DIFFERENCE = /^(?:-[wqe]+|--write|--quiet|--ignore)$/;
const FORWARDING = ['net.ipv4.ip_forward', 'net.ipv4.conf.all.forwarding'];

/**
 * SOURCE with the sysctls that COMMANDS set.
 * @throws {CommandError} if one of them is no `sysctl -w NAME=NUMBER`
 */
export function withSysctls(source: HostSource, commands: readonly HostCommand[]): HostSource {
  const set = commands.flatMap(settingsOf);
  if (set.length === 0) return source;
  const sysctls = new Map(source.description.sysctls);
  for (const [name, value] of set) setSysctl(sysctls, name, value);
  const description: HostDescription = { ...source.description, sysctls };
  return { description, locate: (error) => source.locate(error) };
}

function settingsOf(command: HostCommand): [name: string, value: number][] {
  const { tool, words } = command;
  if (tool !== 'sysctl') return [];
  const settings = words.filter(({ text }) => !NO_DIFFERENCE.test(text));
  if (settings.length === 0) throw fault(command, command.all[0], 'nothing is set');
  return settings.map((word) => settingOf(command, word));
}

function settingOf(command: HostCommand, word: Word): [name: string, value: number] {
  const [, name, text] = /^([^-=][^=]*)=(.*)$/s.exec(word.text) ?? [];
  if (name === undefined || text === undefined) throw fault(command, word, `${word.text} sets nothing`);
  const value = sysctlsOf({ [name]: text }).get(name);
  if (value === undefined || Number.isNaN(value)) throw fault(command, word, `${text} is not a number`);
  return [name, value];
}

function fault({ source, all }: HostCommand, word: Word, what: string) {
  return commandError(source, all, word, what, 'sysctl -w NAME=NUMBER');
}

/** Sets NAME as on a running host (inet_forward_change, devinet_conf_proc). */
function setSysctl(sysctls: Map<string, number>, name: string, value: number): void {
  const dotted = name.replaceAll('/', '.');
  // It is for interfaces that are made later.
  if (dotted.startsWith('net.ipv4.conf.default.')) return;
  const isForwarding = FORWARDING.includes(dotted);
  for (const known of [...sysctls.keys()]) {
    const other = known.replaceAll('/', '.');
    // Forwarding is set on all interfaces together.
    const isSet = isForwarding && (FORWARDING.includes(other) || /^net\.ipv4\.conf\..*\.forwarding$/.test(other));
    if (other === dotted || isSet) sysctls.delete(known);
  }
  sysctls.set(name, value);
}
