/** Everything in which an emulated engine differs from the one that was recorded. */
import type { JsonObject } from '../../codecs/host/json-values.js';
import { containerDifferences } from './compare-containers.js';
import { listDifferences, networkDifferences } from './compare-network.js';
import { ruleDifferences } from './compare-rules.js';
import { type EmulatedSnapshot, emulateStory } from './emulated-story.js';
import type { RecordedSnapshot, RecordedStep, Recording } from './recording.js';

/** A line each, which begins with the snapshot's name; empty if nothing differs. */
export function compareRecording(recording: Recording): string[] {
  const { snapshots, differences } = emulateStory(recording);
  return [...differences, ...snapshots.flatMap((snapshot) => snapshotDifferences(snapshot, recording))];
}

function snapshotDifferences(
  { recorded, rules, json, state }: EmulatedSnapshot,
  { engine, steps }: Recording,
): string[] {
  const macsFollowAddresses = engine !== '28.5';
  const list = (member: 'addr' | 'route'): JsonObject[] => json[member] as JsonObject[];
  const lines = [
    ...ruleDifferences(recorded.text('iptables-save.txt') ?? '', rules),
    ...networkDifferences(
      { addr: recorded.list('addr.json'), route: recorded.list('route.json') },
      { addr: list('addr'), route: list('route') },
      {
        hasKnownMac: (name) => name === 'lo' || name === 'eth0',
        hasSettled: hasSettled(recorded, steps),
        isOrderKnown: isOrderKnown(recorded, steps),
      },
    ),
    ...containerDifferences(
      { containers: recorded.list('containers.json'), networks: recorded.list('networks.json') },
      state,
      macsFollowAddresses,
    ),
  ];
  const sockets = recorded.text('sockets.txt');
  if (sockets !== undefined)
    lines.push(...listDifferences('socket', listeningSockets(sockets), describedSockets(json.sockets)));
  return lines.map((line) => `${recorded.name}: ${line}`);
}

/** The kernel notices after a second at most that a bridge has lost its last port (net/core/link_watch.c). */
const CARRIER_SECONDS = 1.1;

/** Whether it has had the time, and shows no link whose state it has still to find. */
function hasSettled(snapshot: RecordedSnapshot, steps: readonly RecordedStep[]): boolean {
  const { at, rulesAt = at } = snapshot.step;
  const changes = steps.filter(({ verb, until }) => (verb === 'docker' || verb === 'restart') && until <= at);
  const last = changes.at(-1)?.until ?? 0;
  const isUp = ({ flags }: JsonObject): boolean => (flags as string[]).includes('LOWER_UP');
  const links = snapshot.list('addr.json').filter(({ ifname }) => ifname !== 'lo');
  return rulesAt - last > CARRIER_SECONDS && links.every((link) => (link.operstate === 'UP') === isUp(link));
}

/** `tcp 0.0.0.0:80` for each socket in TEXT, the output of `ss -Hnl4tu`. */
function listeningSockets(text: string): string[] {
  const lines = text
    .trim()
    .split('\n')
    .filter((line) => line !== '');
  return lines.map((line) => line.split(/\s+/)).map(([protocol, , , , local]) => `${protocol} ${local}`);
}

function describedSockets(json: unknown): string[] {
  const sockets = json as { proto: string; local: string }[];
  return sockets.map(({ proto, local }) => `${proto} ${local.replace('*', '0.0.0.0')}`);
}

/** Whether no container of SNAPSHOT has several networks, and no restart of the engine has started several ones. */
function isOrderKnown(snapshot: RecordedSnapshot, steps: readonly RecordedStep[]): boolean {
  const containers = snapshot.list('containers.json') as { NetworkSettings: { Networks: object } }[];
  const hasSeveral = containers.some(({ NetworkSettings }) => Object.keys(NetworkSettings.Networks).length > 1);
  return !hasSeveral && steps.every(({ started = [] }) => started.length < 2);
}
