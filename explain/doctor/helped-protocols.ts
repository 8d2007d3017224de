/** Protocols that announce further connections, and what they announce: what helpers of conntrack read. */
import { IPPROTO_TCP, IPPROTO_UDP } from '../../codecs/layouts.js';
import type { SeenConnection } from './connections.js';
import type { Ends, PacketRecord } from './packet-record.js';

/** The ends of a connection to come; its source port is not known. */
export type Expectation = Omit<Ends, 'sport'>;

export interface HelpedProtocol {
  readonly name: string;
  /** Its helper's modules are nf_conntrack_ and nf_nat_ with this. */
  readonly helper: string;
  readonly protocol: number;
  readonly port: number;
  /**
   * The connections that a packet of CONNECTION announces, with their ends as they come to the host. IS_REPLY: the
   * server sent it.
   */
  expectations(record: PacketRecord, connection: SeenConnection, isReply: boolean): readonly Expectation[];
  /** The address that a packet of the client tells the server to connect to; undefined: none. */
  told?(record: PacketRecord): string | undefined;
}

const IPPROTO_GRE = 47;
const NONE: readonly Expectation[] = [];
/** `h1,h2,h3,h4,p1,p2`: RFC 959, 3.2 and 5.3.2. */
const HOST_PORT = /\b(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3})\b/;
/** RFC 2428: `EPRT |1|132.235.1.2|6275|`, `229 … (|||6446|)`. */
const EXTENDED_PORT = /^EPRT \|1\|([\d.]+)\|(\d+)\|/;
const EXTENDED_PASSIVE = /^229 .*\(\|\|\|(\d+)\|\)/;
/** RFC 8866, 5.14: the media of a call. */
const MEDIA = /^m=\w+ (\d+) /gm;

export const HELPED: readonly HelpedProtocol[] = [
  {
    name: 'ftp',
    helper: 'ftp',
    protocol: IPPROTO_TCP,
    port: 21,
    told: (record) => activeAddress(textOf(record)),
    expectations: (record, connection, isReply) => {
      const port = isReply ? passivePort(textOf(record)) : activePort(textOf(record));
      return port === undefined ? NONE : [towards(connection, isReply, IPPROTO_TCP, port)];
    },
  },
  {
    name: 'tftp',
    helper: 'tftp',
    protocol: IPPROTO_UDP,
    port: 69,
    // The server answers from another port (RFC 1350, 4).
    expectations: (_record, connection, isReply) =>
      isReply ? NONE : [towards(connection, false, IPPROTO_UDP, connection.translated.sport)],
  },
  {
    name: 'sip',
    helper: 'sip',
    protocol: IPPROTO_UDP,
    port: 5060,
    expectations: (record, connection, isReply) =>
      [...textOf(record).matchAll(MEDIA)].map(([, port]) => towards(connection, isReply, IPPROTO_UDP, Number(port))),
  },
  {
    name: 'pptp',
    helper: 'pptp',
    protocol: IPPROTO_TCP,
    port: 1723,
    expectations: (_record, connection) => [
      towards(connection, false, IPPROTO_GRE, -1),
      towards(connection, true, IPPROTO_GRE, -1),
    ],
  },
];

/** A connection to PORT of the end of CONNECTION that announced it: to the server, or to the client as it is seen. */
function towards(
  { ends, translated }: SeenConnection,
  isServer: boolean,
  protocol: number,
  dport: number,
): Expectation {
  return isServer
    ? { protocol, source: ends.source, destination: ends.destination, dport }
    : { protocol, source: translated.destination, destination: translated.source, dport };
}

function textOf({ bytes, dataAt }: PacketRecord): string {
  return String.fromCharCode(...bytes.subarray(dataAt));
}

function activeAddress(text: string): string | undefined {
  const extended = EXTENDED_PORT.exec(text);
  if (extended !== null) return extended[1];
  return text.startsWith('PORT ') ? HOST_PORT.exec(text)?.slice(1, 5).join('.') : undefined;
}

function activePort(text: string): number | undefined {
  const extended = EXTENDED_PORT.exec(text);
  if (extended !== null) return Number(extended[2]);
  return text.startsWith('PORT ') ? listedPort(text) : undefined;
}

function passivePort(text: string): number | undefined {
  const extended = EXTENDED_PASSIVE.exec(text);
  if (extended !== null) return Number(extended[1]);
  return text.startsWith('227 ') ? listedPort(text) : undefined;
}

function listedPort(text: string): number | undefined {
  const listed = HOST_PORT.exec(text);
  return listed === null ? undefined : Number(listed[5]) * 256 + Number(listed[6]);
}
