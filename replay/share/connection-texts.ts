/** Replaces what lists of connections, and what the kernel has logged, say about whose it is. */
import { replaceAddressesIn } from './addresses-in-text.js';
import type { Replacer } from './replacer.js';

/** The replacement of TEXT, what `conntrack -L` prints. */
export function replaceConnections(text: string, replacer: Replacer): string {
  // Who labelled a connection, or watches it, decides nothing.
  return replaceAddressesIn(text.replace(/ (?:secctx|labels)=\S+/g, ''), replacer);
}

const DEVICE = /\b(IN|OUT|PHYSIN|PHYSOUT)=([^\s=]+)(?= |$)/g;
/** Destination, source, and the type of the frame; of a tunnel, addresses. */
const HEADER = /\bMAC=([\da-f]{2}(?::[\da-f]{2}){13,})(?= |$)/g;
const MAC_CHARS = 17;

/** The replacement of TEXT, messages of LOG and TRACE, a line each. PREFIXES: those that rules have. */
export function replaceLog(text: string, replacer: Replacer, prefixes: readonly string[]): string {
  const longest = [...prefixes].sort((a, b) => b.length - a.length);
  return text
    .split('\n')
    .map((line) => {
      const [, time, message] = /^(\[ *\d+\.\d{6}\] |)(.*)$/s.exec(line)!;
      const prefix = longest.find((one) => one !== '' && message.startsWith(one)) ?? '';
      return time + replacer.named('prefix', prefix) + replaceMessage(message.slice(prefix.length), replacer);
    })
    .join('\n');
}

function replaceMessage(message: string, replacer: Replacer): string {
  const text = message
    .replace(DEVICE, (_, key: string, name: string) => `${key}=${replacer.iface(name)}`)
    .replace(HEADER, (_, header: string) => {
      const macs = [header.slice(0, MAC_CHARS), header.slice(MAC_CHARS + 1, 2 * MAC_CHARS + 1)];
      return `MAC=${macs.map((mac) => replacer.macText(mac)).join(':')}${header.slice(2 * MAC_CHARS + 1)}`;
    })
    .replace(
      /^TRACE: (\w+):([^:]+):(\w+):/,
      (_, table: string, chain: string, kind: string) => `TRACE: ${table}:${replacer.named('chain', chain)}:${kind}:`,
    );
  return replaceAddressesIn(text, replacer);
}
