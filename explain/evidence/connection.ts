/** From an entry of conntrack to the packet that opened it. */

import { formatLoaded, portToHostOrder } from '../../codecs/byte-order.js';
import type { ListedDirection, ListedTuple } from '../../codecs/conntrack-list.js';
import type { ConntrackEvidence, EvidenceTuple } from '../../codecs/evidence/evidence.js';
import { EvidenceError } from '../../codecs/evidence/evidence.js';
import { IPPROTO_ICMP, IPPROTO_TCP, TCP_ACK, TCP_SYN } from '../../codecs/layouts.js';
import { hasPorts, type Sentence } from '../../codecs/sentence/sentence.js';
import { SentenceError } from '../../codecs/sentence/sentence-error.js';
import { listConnection } from '../../core/conntrack/list.js';
import { ARRIVAL_SEC } from '../arrival-time.js';
import type { Play } from '../fate/attempt.js';
import { type PlannedPacket, planPacket } from '../packets/planned-packet.js';
import { formatDecider } from '../story/decider.js';
import { isAccepted } from '../story/story.js';
import { Trial, type TrialResult, type TrialSetting } from '../trial.js';
import type { EvidenceNote, Finding } from './notes.js';
import { plainText, sentenceOf } from './suspects.js';

interface Opened {
  readonly planned: PlannedPacket;
  readonly result: TrialResult;
  readonly play: Play;
  /** The reply direction of the entry; undefined: there is none. */
  readonly reply: EvidenceTuple | undefined;
}

/** Finds out how the entry of EVIDENCE came to be. Throws an EvidenceError if no packet can have opened it. */
export function investigateConnection(setting: TrialSetting, evidence: ConntrackEvidence): Finding {
  const { original, protocol, mark } = evidence;
  const ends = [endOf(original, 'source'), endOf(original, 'destination')] as const;
  const base = sentenceOf({ protocol }, ...ends, { input: undefined, output: undefined });
  const isTcp = protocol === IPPROTO_TCP;
  const opened = open(setting, { ...base, ...(isTcp ? { flags: TCP_SYN } : {}), icmp: original.icmp }, original);
  const found = opened.reply !== undefined && isSame(opened.reply, evidence.reply);
  const { story } = opened.result;
  return {
    result: opened.result,
    play: opened.play,
    isFound: found,
    lead: found ? undefined : 'These rules do not make this entry. What becomes of the packet that would open it:',
    notes: [
      { label: 'entry', lines: [entryWords(evidence)] },
      ...translationNotes(evidence, opened),
      ...(isTcp && !isAccepted(story) ? midStreamNotes(setting, base, evidence) : []),
      ...(mark === 0 ? [] : [{ label: 'mark', lines: [`0x${mark.toString(16)}: what set it is not in the line`] }]),
      { label: 'not known', lines: ['the interfaces: the packet comes in where the route to its source leads'] },
    ],
    chosen: opened.planned.chosen,
    json: {
      kind: 'conntrack',
      event: evidence.event ?? null,
      state: evidence.state ?? null,
      isSeenReply: evidence.isSeenReply,
    },
  };
}

function open({ setting, options }: TrialSetting, sentence: Sentence, given: EvidenceTuple): Opened {
  const trial = new Trial({ setting, options });
  const planned = plan(sentence, setting.host, given.icmp?.id);
  const play: Play = (host) => [host.send({ ...planned, tsSec: ARRIVAL_SEC, tsNsec: 0 })];
  const [result] = play(trial);
  let reply: EvidenceTuple | undefined;
  const { connections, nowMs } = trial.emulator;
  connections.forEach(nowMs, (entry) => {
    const { tuple, original, reply: answer } = listConnection(connections, entry, nowMs);
    if (isSame(tupleOf(original, tuple), given)) reply = tupleOf(answer, tuple);
  });
  return { planned, result, play, reply };
}

function tupleOf({ source, destination, ports }: ListedDirection, tuple: ListedTuple): EvidenceTuple {
  const ends = { source: formatLoaded(source), destination: formatLoaded(destination) };
  if (tuple !== 'ports') return ends;
  return { ...ends, sport: portToHostOrder(ports & 0xffff), dport: portToHostOrder(ports >>> 16) };
}

function plan(sentence: Sentence, host: TrialSetting['setting']['host'], id: number | undefined): PlannedPacket {
  try {
    return planPacket(sentence, host, id === undefined ? {} : { query: { id, sequence: 1 } });
  } catch (error) {
    throw error instanceof SentenceError ? new EvidenceError(error.message, error.isUnsupported) : error;
  }
}

function endOf(tuple: EvidenceTuple, end: 'source' | 'destination'): { address: string; port: number | undefined } {
  const address = tuple[end];
  return { address, port: end === 'source' ? tuple.sport : tuple.dport };
}

function isSame(a: EvidenceTuple, b: EvidenceTuple): boolean {
  return a.source === b.source && a.destination === b.destination && a.sport === b.sport && a.dport === b.dport;
}

/** What the entry says by its state. */
function entryWords({ event, protocol, state, isSeenReply, isAssured, timeoutSec }: ConntrackEvidence): string {
  const about = [
    ...(event === undefined
      ? []
      : [{ NEW: 'it was just made', UPDATE: 'it has just changed', DESTROY: 'it is gone' }[event]]),
    ...(state === undefined ? [] : [`state ${state}`]),
    answerWords(event, isSeenReply),
    ...(isAssured ? ['it is not given up when the table is full'] : []),
    ...(timeoutSec === undefined || event === 'DESTROY' ? [] : [`it expires in ${timeoutSec} s if no packet comes`]),
  ];
  return protocol === IPPROTO_ICMP || hasPorts(protocol)
    ? about.join('; ')
    : [...about, 'its protocol has no ports'].join('; ');
}

function answerWords(event: ConntrackEvidence['event'], isSeenReply: boolean): string {
  if (isSeenReply) return 'an answer has been seen';
  if (event === 'NEW') return 'the packet that opened it was let through';
  return `no answer was seen${event === 'DESTROY' ? '' : ' yet'}, though the packet that opened it was let through`;
}

function translationNotes({ original, reply }: ConntrackEvidence, opened: Opened): EvidenceNote[] {
  const { story } = opened.result;
  const told = [
    ...changed('destination', endOf(original, 'destination'), endOf(reply, 'source')),
    ...changed('source', endOf(original, 'source'), endOf(reply, 'destination')),
  ];
  const asTold = told.length === 0 ? ['not translated'] : told;
  if (opened.reply === undefined) {
    const why = `${story.verdict} by ${formatDecider(story.decider)}, so it leaves no entry`;
    return [
      { label: 'translated', lines: asTold },
      { label: 'but', lines: [`with these rules, the packet that opens it is ${why}`] },
    ];
  }
  if (isSame(opened.reply, reply))
    return [{ label: 'translated', lines: asTold.map((line) => `${line}: as these rules do`) }];
  const here = [
    ...changed('destination', endOf(original, 'destination'), endOf(opened.reply, 'source')),
    ...changed('source', endOf(original, 'source'), endOf(opened.reply, 'destination')),
  ];
  const but = `these rules: ${here.length === 0 ? 'not translated' : here.join(', ')}`;
  return [
    { label: 'translated', lines: asTold },
    { label: 'but', lines: [but, 'an entry keeps the translation of the rules that it was made with'] },
  ];
}

type End = { readonly address: string; readonly port: number | undefined };

function changed(what: string, from: End, to: End): string[] {
  const [before, after] = [plainText(from), plainText(to)];
  return before === after ? [] : [`${what} ${before} → ${after}`];
}

/** Whether a later packet would open the entry of a connection that began before conntrack saw it. */
function midStreamNotes(setting: TrialSetting, base: Sentence, { original }: ConntrackEvidence): EvidenceNote[] {
  const { result } = open(setting, { ...base, flags: TCP_ACK }, original);
  if (!isAccepted(result.story)) return [];
  return [
    {
      label: 'or',
      lines: ['it was picked up in the middle: a later packet of the connection, with ACK, is let through'],
    },
  ];
}
