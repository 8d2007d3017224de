/** From what the kernel says about a martian to why it takes the packet for one. */

import type { MartianEvidence } from '../../codecs/evidence/evidence.js';
import { IPPROTO_UDP } from '../../codecs/layouts.js';
import { REASONS, type Reason } from '../../core/reasons.js';
import { ARRIVAL_SEC } from '../arrival-time.js';
import type { Play } from '../fate/attempt.js';
import { planPacket } from '../packets/planned-packet.js';
import { Trial, type TrialSetting } from '../trial.js';
import type { Finding } from './notes.js';
import { sentenceOf } from './suspects.js';

/** Any will do: what is a martian does not depend on ports. */
const PORT = 9;
/** Why the kernel speaks of a martian source, and of a martian destination. */
const MARTIANS: Readonly<Record<MartianEvidence['what'], readonly Reason[]>> = {
  source: ['martian-source', 'rp-filter'],
  destination: ['martian-destination'],
};

/** What is behind EVIDENCE. */
export function investigateMartian(setting: TrialSetting, evidence: MartianEvidence): Finding {
  const { what, source, destination, input } = evidence;
  const ends = [source, destination].map((address) => ({ address, port: PORT }));
  const sentence = sentenceOf({ protocol: IPPROTO_UDP }, ends[0], ends[1], { input, output: '' });
  const planned = planPacket(sentence, setting.setting.host);
  const play: Play = (host) => [host.send({ ...planned, tsSec: ARRIVAL_SEC, tsNsec: 0 })];
  const [result] = play(new Trial(setting));
  const reason = result.story.drop?.reason;
  const isFound = reason !== undefined && MARTIANS[what].includes(reason);
  return {
    ...{ result, play, isFound, chosen: planned.chosen },
    lead: isFound
      ? undefined
      : `With these routes and sysctls, such a packet is no martian ${what}. What becomes of one:`,
    notes: [
      ...(isFound ? [{ label: 'written by', lines: [`the kernel, with log_martians: ${REASONS[reason]}`] }] : []),
      { label: 'if', lines: ['it is any packet between these addresses: the line says neither protocol nor ports'] },
    ],
    json: { kind: 'martian', reason: reason ?? null },
  };
}
