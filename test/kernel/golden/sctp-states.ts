/** A golden case of every SCTP chunk, from either end, in every state of an association. */

import { buildChunk, buildInit, ChunkType } from '../../packets/sctp.js';
import type { Output } from '../router.js';
import type { Shot, Side, Stage } from '../scene.js';
import { type Association, chunks, openAssociation } from '../sctp-scene.js';
import { DOCKER_HOST, REDIS, WEB_SERVER } from './hosts.js';
import { from, type GoldenStory } from './story.js';

const CLIENT_TAG = 0x1111_2222;
const SERVER_TAG = 0x3333_4444;
const OTHER_TAG = 0x5555_6666;

/** Long time-outs, so that no entry ends while the case is recorded. */
const TIMEOUTS = [
  'closed',
  'cookie_wait',
  'cookie_echoed',
  'established',
  'shutdown_sent',
  'shutdown_recd',
  'shutdown_ack_sent',
  'heartbeat_sent',
].map((state): [string, number] => [`net.netfilter.nf_conntrack_sctp_timeout_${state}`, 3000]);

const RULES = `*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -m conntrack --ctstate INVALID -j DROP
COMMIT
`;

type Name = keyof typeof ChunkType;
/**
 * Who sends, which tag, what: `client right INIT_ACK+DATA`. A tag is right, none, reversed (the sender's own) or other.
 */
type Line = string;

const ECHOED: readonly Line[] = ['client none INIT', 'server right INIT_ACK', 'client right COOKIE_ECHO'];
const ESTABLISHED: readonly Line[] = [...ECHOED, 'server right COOKIE_ACK'];

/** The packets that bring an association into each state. */
const STATES: readonly (readonly Line[])[] = [
  [],
  ECHOED.slice(0, 1),
  ECHOED.slice(0, 2),
  ECHOED,
  ESTABLISHED,
  [...ESTABLISHED, 'client right SHUTDOWN'],
  [...ESTABLISHED, 'server right SHUTDOWN'],
  [...ESTABLISHED, 'client right SHUTDOWN', 'server right SHUTDOWN_ACK'],
  [...ESTABLISHED, 'server right ABORT'],
  ['client right HEARTBEAT'],
];

/** The packets sent then, by SENDER and by the other end. */
const PROBES: readonly (readonly Line[])[] = [
  ...(Object.keys(ChunkType) as Name[]).filter((name) => name !== 'INIT').map((name) => [`SENDER right ${name}`]),
  ['SENDER none INIT'],
  ['SENDER none INIT:other', 'SENDER none INIT'],
  ['SENDER none INIT:other', 'OTHER none INIT:other', 'OTHER right INIT_ACK'],
  ['SENDER right INIT'],
  ['SENDER right INIT_ACK:other'],
  ['SENDER reversed ABORT:T'],
  ['SENDER reversed ABORT'],
  ['SENDER reversed SHUTDOWN_COMPLETE:T'],
  ['SENDER other COOKIE_ECHO'],
  ['SENDER other DATA'],
  ['SENDER other HEARTBEAT', 'OTHER other HEARTBEAT_ACK', 'SENDER other DATA'],
  ['SENDER other HEARTBEAT', 'SENDER other HEARTBEAT_ACK'],
  ['SENDER other HEARTBEAT+DATA'],
  ['SENDER right COOKIE_ECHO+DATA:odd+SACK'],
  ['SENDER right DATA:odd+COOKIE_ECHO'],
];
/** Whether the tags are still the negotiated ones. */
const AFTERWARDS: readonly Line[] = ['client right DATA', 'server right DATA'];

/** `NAME`, `NAME:T` (flag T), `INIT:other` (it asks for another tag) or `NAME:odd` (a length that is padded). */
function chunkOf(text: string, ownTag: number): Buffer {
  const [name, how] = text.split(':');
  const type = ChunkType[name as Name];
  if (name === 'INIT' || name === 'INIT_ACK') return buildInit(type, how === 'other' ? OTHER_TAG : ownTag);
  return buildChunk(type, how === 'T' ? 1 : 0, new Uint8Array(how === 'odd' ? 5 : 4));
}

function* speak(association: Association, line: Line): Generator<Shot, void, Output[]> {
  const [who, tag, what] = line.split(' ');
  const { client, server } = association;
  const [sender, other] = who === 'client' ? [client, server] : [server, client];
  const tags: Record<string, number> = { none: 0, right: other.tag, reversed: sender.tag, other: OTHER_TAG };
  const contents = what.split('+').map((text) => chunkOf(text, sender.tag));
  yield* chunks(association, sender, contents, tags[tag]);
}

function association(stage: Stage, side: Side): Association {
  const opened = openAssociation(stage, side);
  opened.client.tag = CLIENT_TAG;
  opened.server.tag = SERVER_TAG;
  return opened;
}

export const sctpStates: GoldenStory = {
  name: 'sctp-states',
  folder: 'test/golden/protocols',
  protects: 'every SCTP chunk in every state of an association, from either end, with right and wrong tags',
  host: { ...DOCKER_HOST, sysctl: Object.fromEntries(TIMEOUTS) },
  rules: RULES,
  *tell(stage) {
    let port = 1000;
    for (const state of STATES) {
      for (const [sender, other] of [
        ['client', 'server'],
        ['server', 'client'],
      ]) {
        for (const probe of PROBES) {
          const opened = association(stage, from('docker0', REDIS, port++, WEB_SERVER, 3868));
          const lines = probe.map((line) => line.replace('SENDER', sender).replace('OTHER', other));
          for (const line of [...state, ...lines, ...AFTERWARDS]) yield* speak(opened, line);
        }
      }
    }
  },
};
