/** `sysctl -w NAME=VALUE` among the commands that are carried out before the first packet. */
import type { HostDescription } from '../../codecs/host/description.js';
import type { HostSource } from '../../codecs/host/parse-host.js';
import { sysctlsOf } from '../../codecs/host/sysctls.js';
import type { Word } from '../../codecs/iptables-save.js';
import { sysctlPath } from '../../core/host/sysctls.js';
import { commandError, type HostCommand } from './host-command.js';

/** Options that change nothing about what is set. */
const NO_DIFFERENCE = /^(?:-[wqe]+|--write|--quiet|--ignore)$/;
const FORWARDING = ['net/ipv4/ip_forward', 'net/ipv4/conf/all/forwarding'];
/** Below /proc/sys, with the name of an interface. */
const CONF = 'net/ipv4/conf/';

/**
 * SOURCE with the sysctls that COMMANDS set.
 * @throws {CommandError} if one of them is no `sysctl -w NAME=NUMBER`
 */
export function withSysctls(source: HostSource, commands: readonly HostCommand[]): HostSource {
  const devs = ['lo', 'all', 'default', ...source.description.links.map(({ name }) => name)];
  const set = commands.flatMap((command) => settingsOf(command, devs));
  if (set.length === 0) return source;
  const sysctls = new Map(source.description.sysctls);
  for (const [name, value] of set) setSysctl(sysctls, name, value);
  const description: HostDescription = { ...source.description, sysctls };
  const json = { ...source.json, sysctl: sysctlsAsJson(source.json.sysctl, sysctls) };
  return { description, json, locate: (error) => source.locate(error) };
}

/** SYSCTLS in the form of a host.json. GIVEN: the text of those that are no numbers. */
function sysctlsAsJson(given: unknown, sysctls: ReadonlyMap<string, number>): Record<string, unknown> {
  const texts = (given ?? {}) as Readonly<Record<string, unknown>>;
  return Object.fromEntries(Array.from(sysctls, ([name, value]) => [name, Number.isNaN(value) ? texts[name] : value]));
}

function settingsOf(command: HostCommand, devs: readonly string[]): [name: string, value: number][] {
  const { tool, words } = command;
  if (tool !== 'sysctl') return [];
  const settings = words.filter(({ text }) => !NO_DIFFERENCE.test(text));
  if (settings.length === 0) throw fault(command, command.all[0], 'nothing is set');
  return settings.map((word) => settingOf(command, word, devs));
}

/** DEVS: those that have settings of their own. */
function settingOf(command: HostCommand, word: Word, devs: readonly string[]): [name: string, value: number] {
  const [, name, text] = /^([^-=][^=]*)=(.*)$/s.exec(word.text) ?? [];
  if (name === undefined || text === undefined) throw fault(command, word, `${word.text} sets nothing`);
  const missing = missingInterface(sysctlPath(name), devs);
  if (missing !== undefined) throw fault(command, word, ...missing);
  const value = sysctlsOf({ [name]: text }).get(name);
  if (value === undefined || Number.isNaN(value)) throw fault(command, word, `${text} is not a number`);
  return [name, value];
}

/** What is wrong with the interface in PATH, and what would be right; undefined: nothing. */
function missingInterface(path: string, devs: readonly string[]): [what: string, wanted: string] | undefined {
  if (!/^net\/ipv4[./]conf[./]/.test(path)) return undefined;
  const names = path.slice(CONF.length).split('/');
  if (path.startsWith(CONF) && names.length === 2 && devs.includes(names[0])) return undefined;
  const what = `there is no /proc/sys/${path}`;
  const parts = path.slice(CONF.length).split(/[./]/);
  const [meant, key] = [parts.slice(0, -1), parts.at(-1)];
  if (devs.includes(meant.join('.')))
    return [what, `net.ipv4.conf.${meant.join('/')}.${key}: a dot of a name is written as a slash`];
  return [what, `one of the interfaces ${devs.join(', ')}`];
}

function fault({ source, all }: HostCommand, word: Word, what: string, wanted = 'sysctl -w NAME=NUMBER') {
  return commandError(source, all, word, what, wanted);
}

/** Sets NAME as on a running host (inet_forward_change, devinet_conf_proc). */
function setSysctl(sysctls: Map<string, number>, name: string, value: number): void {
  const path = sysctlPath(name);
  // It is for interfaces that are made later.
  if (path.startsWith(`${CONF}default/`)) return;
  const isForwarding = FORWARDING.includes(path);
  for (const known of [...sysctls.keys()]) {
    const other = sysctlPath(known);
    // Forwarding is set on all interfaces together.
    const isSet = isForwarding && (FORWARDING.includes(other) || /^net\/ipv4\/conf\/.*\/forwarding$/.test(other));
    if (other === path || isSet) sysctls.delete(known);
  }
  sysctls.set(name, value);
}
