/**
 * Lines of the kernel's log about packets, as `-j LOG` and `-j TRACE` write them (nf_log_syslog), with whatever
 * syslog, journald or dmesg put in front:
 *
 *     Nov 28 10:00:00 web1 kernel: [ 123.456] [UFW BLOCK] IN=eth0 OUT= MAC=… SRC=… DST=… LEN=60 …
 */
import { IPPROTO_ICMP } from '../layouts.js';
import { protocolNumber } from '../protocol-names.js';
import { parseFlags } from '../sentence/tcp-flags.js';
import {
  checkAddress,
  checkPacket,
  EvidenceError,
  type EvidencePacket,
  type LogEvidence,
  type MartianEvidence,
  type TracedStep,
  type TraceEvidence,
} from './evidence.js';

/** What every such line has, behind the rule's prefix. */
const PLACE = /IN=(\S*) OUT=(\S*)(?: |$)/;
const TRACE = /TRACE: (\S+?):(\S+):(rule|return|policy):(\d+) $/;
/** What nf_ct_l4proto_log_invalid writes in front. */
const REMARK = /nf_ct_proto_\d+: (.*?)\s*$/;
/** ip_handle_martian_source and ip_route_input_slow. */
const MARTIAN = /martian (source|destination) ([\d.]+) from ([\d.]+), (?:on )?dev (\S+)\s*$/;
/** The packet that an ICMP error quotes. */
const QUOTE = /\[(SRC=(?:[^[\]]|\[[^\]]*\])*)\]/;
const MAC_TEXT = /^(?:[\da-f]{1,2}:){5}[\da-f]{1,2}$/i;

export function isKernelLine(line: string): boolean {
  return PLACE.test(line) && line.includes('SRC=');
}

/** Reads LINE. Throws an EvidenceError. */
export function readKernelLine(line: string): LogEvidence | TraceEvidence {
  const place = PLACE.exec(line);
  if (place === null) throw new EvidenceError("a line of the kernel's log about a packet has IN=… OUT=…");
  const before = line.slice(0, place.index);
  const fields = new KernelFields(line.slice(place.index + place[0].length));
  const common = { input: place[1], output: place[2], macs: fields.macs(), packet: fields.packet() };
  const traced = TRACE.exec(before);
  if (traced === null) return { kind: 'log', before, remark: REMARK.exec(before)?.[1], ...common };
  const [, table, chain, what, number] = traced;
  const step: TracedStep = { what: what as TracedStep['what'], table, chain, number: Number(number) };
  return { kind: 'trace', writer: 'kernel', steps: [step], ...common };
}

/** Reads LINE if it is about a martian. Throws an EvidenceError. */
export function readMartianLine(line: string): MartianEvidence | undefined {
  const match = MARTIAN.exec(line);
  if (match === null) return undefined;
  const [, what, destination, source, input] = match;
  checkAddress(source);
  checkAddress(destination);
  return { kind: 'martian', what: what as MartianEvidence['what'], source, destination, input };
}

/** The fields of a line behind IN and OUT. */
export class KernelFields {
  readonly #values = new Map<string, string>();
  /** Where a key comes twice: LEN and ID of the IP header, then of UDP and of a query of ICMP. */
  readonly #seconds = new Map<string, string>();
  readonly #quoted: string | undefined;
  readonly #words = new Set<string>();

  /** IS_QUOTED: they are about the packet that an ICMP error quotes. */
  constructor(text: string, isQuoted = false) {
    this.#quoted = QUOTE.exec(text)?.[1];
    // The options of the headers have blanks.
    const plain = text.replace(QUOTE, '').replace(/OPT \([^)]*\)?/g, '');
    // Of a packet in an ICMP error, there is never more.
    if (!isQuoted && /INCOMPLETE \[|TRUNCATED/.test(plain)) {
      throw new EvidenceError(
        'the line is about a packet whose header is cut short: such packets are not followed',
        true,
      );
    }
    for (const word of plain.trim().split(/\s+/)) {
      const at = word.indexOf('=');
      const [key, value] = [word.slice(0, at), word.slice(at + 1)];
      if (at < 0) this.#words.add(word);
      else if (this.#values.has(key)) this.#seconds.set(key, value);
      else this.#values.set(key, value);
    }
  }

  packet(): EvidencePacket {
    const source = this.#required('SRC');
    const destination = this.#required('DST');
    const fragment = [...this.#words].find((word) => word.startsWith('FRAG:'));
    const protocol = this.#protocol();
    return checkPacket({
      ...{ protocol, source, destination },
      sport: this.#number('SPT', 'SPORT'),
      dport: this.#number('DPT', 'DPORT'),
      flags: this.#flags(),
      ...{ sequence: this.#number('SEQ'), acknowledgment: this.#number('ACK'), window: this.#number('WINDOW') },
      ...this.#icmp(protocol),
      ...{ lengthBytes: this.#number('LEN'), ttl: this.#number('TTL'), id: this.#number('ID') },
      mark: this.#number('MARK') ?? 0,
      isLaterFragment: fragment !== undefined && fragment !== 'FRAG:0',
    });
  }

  macs(): LogEvidence['macs'] {
    const [source, destination] = [this.#values.get('MACSRC'), this.#values.get('MACDST')];
    if (source !== undefined && destination !== undefined) return { source, destination };
    const bytes = (this.#values.get('MAC') ?? '').split(':');
    const macs = { destination: bytes.slice(0, 6).join(':'), source: bytes.slice(6, 12).join(':') };
    return MAC_TEXT.test(macs.destination) && MAC_TEXT.test(macs.source) ? macs : undefined;
  }

  #protocol(): number | undefined {
    const text = this.#values.get('PROTO');
    if (text === undefined) return undefined;
    const number = /^\d+$/.test(text) ? Number(text) : protocolNumber(text.toLowerCase());
    if (number === undefined || number > 255) throw new EvidenceError(`PROTO=${text} is no protocol`);
    return number;
  }

  #flags(): number | undefined {
    const names = [...this.#words].filter((word) => /^(?:SYN|ACK|FIN|RST|PSH|URG|ECE|CWR)$/.test(word));
    const hasHeader = this.#values.has('WINDOW') || names.length > 0;
    return hasHeader ? names.reduce((flags, name) => flags | parseFlags(name)!, 0) : undefined;
  }

  #icmp(protocol: number | undefined): Pick<EvidencePacket, 'icmp' | 'query' | 'quoted'> {
    const [type, code] = [this.#number('TYPE'), this.#number('CODE')];
    if (protocol !== IPPROTO_ICMP || type === undefined || code === undefined) return {};
    const [id, sequence] = [numberIn('ID', this.#seconds.get('ID')), this.#number('SEQ')];
    const query = id === undefined || sequence === undefined ? {} : { query: { id, sequence } };
    const quoted = this.#quoted === undefined ? {} : { quoted: new KernelFields(this.#quoted, true).packet() };
    return { icmp: { type, code }, ...query, ...quoted };
  }

  /** The value of the first of NAMES that the line has. */
  #number(...names: readonly string[]): number | undefined {
    const name = names.find((one) => this.#values.has(one));
    return name === undefined ? undefined : numberIn(name, this.#values.get(name));
  }

  #required(name: string): string {
    const value = this.#values.get(name);
    if (value !== undefined && value !== '') return value;
    throw new EvidenceError(`the line has no ${name}=: it may have been cut`);
  }
}

function numberIn(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = /^(?:\d{1,10}|0x[\da-f]{1,8})$/i.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(number)) throw new EvidenceError(`${name}=${text} is not a number`);
  return number;
}
